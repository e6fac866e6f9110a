import Coordination
import Engine
import GRPC
import Messages
import Store
import Stubs

/// One volatile subscriber: what is held from its sequence on, then what is published. Confined to its
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
    private let link: EngineLink
    private let feed: EventFeed
    private let call: ServerStreamCall<SubscribeResponse>
    private var ticket: ReplyTicket?
    /// The first sequence that has not been told; of no meaning while it is live.
    private var next: Int64?
    /// Whether it has been told everything that the feed knows, so that the feed's next is its next.
    private(set) var isLive = false
    private var isReading = false
    /// Everything up to here has been told.
    private var toldThrough: Int64 = 0
    /// What was removed up to here has been told, or is none of its business.
    private var knownRemoved: Int64 = 0
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

    /// Asks where to begin, and follows.
    func begin(_ start: JoinTopics.Start) {
        call.onCancel { _ in self.leave() }
        call.onWritable { self.proceed() }
        call.endAtShutdown()
        feed.add(self, interest)
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
        guard isLive, toldThrough < newest, call.isWritable else { return }
        toldThrough = newest
        call.send(SubscribeResponse(sequence: newest))
    }

    // MARK: Catching up

    /// Tells what comes next, as far as the reader takes it.
    func proceed() {
        guard let newest = feed.newest else { return }
        while call.isOpen, !isLive, !isReading, call.isWritable, let next {
            if next > newest {
                // The feed may be behind the engine's answer; then its first ones were read before.
                isLive = next == newest + 1
                return
            }
            guard feed.holds(from: next) else { return readPage(from: next, through: newest) }
            let (entries, through) = feed.recent(from: next, interest, maxBytes: Self.pageBytes)
            send(entries, through: through)
        }
    }

    private func send(_ entries: [EventEntry], through: Int64) {
        for frame in EventFrame.frames(entries, toldThrough: through) {
            call.call.send(framed: frame.framed)
        }
        if !entries.isEmpty { toldThrough = through }
        next = through + 1
    }

    private func readPage(from: Int64, through: Int64) {
        isReading = true
        let range = PublicationRange(
            namespace: namespace.name, patterns: interest.patterns, from: from, through: through,
            limit: Self.pageSize, maxBytes: Self.pageBytes)
        let hop = call.hop { (result: Result<PublicationPage, Rejection>) in
            guard self.call.isOpen else { return }
            switch result {
            case .failure(let rejection): self.end(rejection.status)
            case .success(let page): self.check(page, from: from)
            }
        }
        host.publications(range, completion: hop)
    }

    /// What the store has read may be removed by now, and what was removed before is not in it.
    private func check(_ page: PublicationPage, from: Int64) {
        let topics = Set(page.publications.map(\.content.topic))
        let question = CheckTopics(
            namespace: namespace, patterns: interest.patterns, topics: Array(topics))
        ticket = link.ask({ .event(.check(question), $0) }) { answer in
            self.ticket = nil
            guard case .event(.checked(let checked)) = answer else {
                return self.end(answer.refusal)
            }
            self.isReading = false
            self.tellGap(checked.removedThrough, from: from, through: page.scannedThrough)
            let held = page.publications.filter {
                $0.sequence > checked.byTopic[$0.content.topic] ?? 0
            }
            self.send(
                held.map { EventEntry($0) }.filter(self.interest.wants),
                through: page.scannedThrough)
            self.proceed()
        }
    }

    private func tellGap(_ removedThrough: Int64, from: Int64, through: Int64) {
        guard removedThrough > knownRemoved else { return }
        let end = min(removedThrough, through)
        knownRemoved = end
        guard end >= from else { return }
        call.send(
            SubscribeResponse(
                sequence: from - 1, gap: EventGap(fromSequence: from, throughSequence: end)))
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
        ticket = nil
        isLive = false
        next = nil
        feed.remove(self, interest)
        link.feeds.close()
    }
}
