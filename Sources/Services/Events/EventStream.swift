import Coordination
import Engine
import GRPC
import Messages
import Store
import Stubs

/// One subscriber's stream: what is held from its sequence on, then what is published. Confined to its
/// loop.
///
/// The engine says where it begins. Up to what the loop's feed has at hand it reads the store page by
/// page; from there on the feed has every publication, so the two join without a gap and nothing is
/// told twice. A reader that is too slow for the feed goes back to the store, and is told what was
/// removed before it came to it.
final class EventStream {
    private let namespace: Namespace
    private let interest: EventInterest
    private let host: EngineHost
    let link: EngineLink
    private let feed: EventFeed
    let call: ServerStreamCall<SubscribeResponse>
    private var ticket: ReplyTicket?
    /// What a stream of a subscription may send; `nil`: it is volatile, and may send everything.
    var flow: DurableFlow?
    /// Under which a stream of a subscription gets its orders.
    var orders: ReplyTicket?
    /// The first sequence that has not been told; of no meaning while it is live.
    var next: Int64?
    /// Whether it has been told everything that the feed knows, so that the feed's next is its next.
    private(set) var isLive = false
    private var isReading = false
    /// Everything up to here has been told.
    var toldThrough: Int64 = 0
    /// What was removed up to here has been told, or is none of its business.
    var knownRemoved: Int64 = 0
    /// What was removed before what is sent next, and has not been told: one gap, however many pages
    /// it goes over.
    var untold: EventGap?
    /// What was told of as removed; the engine hears of it with what is sent next.
    private var gap: EventGap?
    private var isOver = false

    /// What is read from the store, or taken from the feed, at a time.
    private static let pageSize = 500
    private static let pageBytes = 1 << 20

    init(
        namespace: Namespace, interest: EventInterest, host: EngineHost, link: EngineLink,
        feed: EventFeed, call: ServerStreamCall<SubscribeResponse>
    ) {
        self.namespace = namespace
        self.interest = interest
        self.host = host
        self.link = link
        self.feed = feed
        self.call = call
    }

    /// Follows what is published.
    func follow() {
        call.onCancel { _ in self.leave() }
        call.onWritable { self.proceed() }
        call.endAtShutdown()
        feed.add(self, interest)
    }

    /// Asks where to begin, and follows.
    func begin(_ start: JoinTopics.Start) {
        follow()
        let join = JoinTopics(namespace: namespace, patterns: interest.patterns, start: start)
        ticket = link.ask({ .event(.join(join), $0) }) { answer in
            self.ticket = nil
            guard case .event(.joined(let joined)) = answer else { return self.end(answer.refusal) }
            self.knownRemoved = joined.removedThrough
            self.next = joined.next
            self.toldThrough = joined.next - 1
            self.call.send(SubscribeResponse(sequence: self.toldThrough))
            self.proceed()
        }
    }

    // MARK: Live

    /// New publications for it, while it is live.
    func tell(_ frames: [EventFrame], through: Int64) {
        for frame in frames {
            guard call.isWritable else {
                isLive = false
                next = frame.firstSequence
                return
            }
            call.call.send(framed: frame.framed)
            toldThrough = frame.lastSequence
        }
        toldThrough = through
    }

    /// Says how far there was nothing for it.
    func mark(_ newest: Int64) {
        guard isLive || isCaughtUp(newest), toldThrough < newest, call.isWritable else { return }
        toldThrough = newest
        call.send(SubscribeResponse(sequence: newest))
    }

    /// Whether a stream of a subscription has been told everything.
    private func isCaughtUp(_ newest: Int64) -> Bool {
        flow?.goesOn == true && !isReading && next == newest + 1
    }

    // MARK: Catching up

    /// Tells what comes next, as far as the reader takes it.
    func proceed() {
        guard let newest = feed.newest else { return }
        while call.isOpen, !isLive, !isReading, call.isWritable, let next {
            let room = flow?.room ?? .max
            if room == 0 { return }
            if next > newest {
                // The feed may be behind the engine's answer; then its first ones were read before.
                isLive = flow == nil && next == newest + 1
                return
            }
            guard feed.holds(from: next) else {
                return readPage(from: next, through: newest, limit: min(room, Self.pageSize))
            }
            let recent = feed.recent(
                from: next, interest, maxBytes: Self.pageBytes, limit: room)
            noteGap(recent.removedThrough, from: next, through: recent.through)
            send(recent.entries, through: recent.through)
        }
    }

    private func send(_ entries: [EventEntry], through: Int64) {
        if entries.isEmpty, untold?.throughSequence == through, through < feed.newest ?? 0 {
            // The gap may go on; the engine must not think it told.
            next = through + 1
            return
        }
        tellGap()
        let attempt = { self.flow?.attempt(of: $0) ?? 0 }
        for frame in EventFrame.frames(entries, toldThrough: through, attempt: attempt) {
            call.call.send(framed: frame.framed)
        }
        if !entries.isEmpty { toldThrough = through }
        next = through + 1
        if flow != nil { report(entries.map(\.sequence), through: through) }
    }

    /// The engine counts what is out.
    private func report(_ sequences: [Int64], through: Int64) {
        guard let orders, let flow else { return }
        self.flow?.sent(sequences)
        var sent = SentEvents(flow: flow.number, sequences: sequences, through: through)
        if let gap {
            sent.gapFrom = gap.fromSequence
            sent.gapThrough = gap.throughSequence
        }
        gap = nil
        link.post(.event(.subscription(.sent(flow.name, sent)), orders))
    }

    private func readPage(from: Int64, through: Int64, limit: Int) {
        isReading = true
        let number = flow?.number
        let range = PublicationRange(
            namespace: namespace.name, patterns: interest.patterns, from: from, through: through,
            limit: limit, maxBytes: Self.pageBytes)
        let hop = call.hop { (result: Result<PublicationPage, Rejection>) in
            guard self.call.isOpen else { return }
            switch result {
            case .failure(let rejection): self.end(rejection.status)
            case .success(let page): self.check(page, from: from, under: number)
            }
        }
        host.publications(range, completion: hop)
    }

    /// What the store has read may be removed by now, and what was removed before is not in it.
    private func check(_ page: PublicationPage, from: Int64, under number: UInt32?) {
        let topics = Set(page.publications.map(\.content.topic))
        let question = CheckTopics(
            namespace: namespace, patterns: interest.patterns, topics: Array(topics))
        ticket = link.ask({ .event(.check(question), $0) }) { answer in
            self.ticket = nil
            guard case .event(.checked(let checked)) = answer else {
                return self.end(answer.refusal)
            }
            self.isReading = false
            // The engine has ordered otherwise meanwhile.
            guard self.flow?.number == number else { return self.proceed() }
            self.noteGap(checked.removedThrough, from: from, through: page.scannedThrough)
            let held = page.publications.filter {
                $0.sequence > checked.byTopic[$0.content.topic] ?? 0
            }
            self.send(
                held.map { EventEntry($0) }.filter(self.interest.wants),
                through: page.scannedThrough)
            self.proceed()
        }
    }

    /// Something of its topics was removed up to a sequence, in what is sent next.
    private func noteGap(_ removedThrough: Int64, from: Int64, through: Int64) {
        let end = min(removedThrough, through)
        guard removedThrough > knownRemoved, end >= from else { return }
        untold = EventGap(fromSequence: untold?.fromSequence ?? from, throughSequence: end)
    }

    private func tellGap() {
        guard let missed = untold else { return }
        untold = nil
        knownRemoved = max(knownRemoved, missed.throughSequence)
        gap = missed
        call.send(SubscribeResponse(sequence: missed.fromSequence - 1, gap: missed))
    }

    // MARK: The end

    /// Ends the stream.
    func end(_ status: GRPCStatus) {
        leave()
        call.fail(status)
    }

    private func leave() {
        if isOver { return }
        isOver = true
        if let ticket { link.abandon(ticket) }
        if let orders { link.abandon(orders) }
        ticket = nil
        orders = nil
        isLive = false
        next = nil
        feed.remove(self, interest)
        link.feeds.close()
    }
}
