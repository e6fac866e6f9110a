import Coordination
import Engine
import NIOCore

/// What is published in one namespace, as one socket loop hands it to its subscribers.
///
/// The engine tells each loop once of every publication; here it is encoded once and goes to all who
/// want it. The newest stay at hand, so that who was busy for a moment goes on without the store.
/// Confined to its loop.
final class EventFeed {
    private let namespace: Namespace
    private unowned let link: EngineLink
    private let loop: NIOIsolatedEventLoop
    private var ticket: ReplyTicket?
    private var groups: [EventInterest: EventGroup] = [:]
    private var streamCount = 0
    private var markTask: Scheduled<Void>?
    private let onEmpty: () -> Void

    /// The newest publications, ascending, from `head` on.
    private var recent: [EventEntry] = []
    private var head = 0
    private var recentBytes = 0
    /// Everything behind this sequence is among `recent`.
    private var heldBehind: Int64 = 0
    /// Of each topic with something removed among `recent`: up to where everything was. No more than
    /// there is at hand, but for what has not been cleared yet.
    private var removedThrough: [String: Int64] = [:]
    /// The newest sequence that this loop knows of; `nil`: the engine has not answered yet.
    private(set) var newest: Int64?

    /// How much stays at hand.
    private static let maxRecent = 4_096
    private static let maxRecentBytes = 16 << 20
    /// How often subscribers for whom there is nothing hear how far that goes.
    private static let markInterval = TimeAmount.seconds(5)

    init(
        namespace: Namespace, link: EngineLink, loop: any EventLoop, onEmpty: @escaping () -> Void
    ) {
        self.namespace = namespace
        self.link = link
        self.loop = loop.assumeIsolated()
        self.onEmpty = onEmpty
    }

    // MARK: Subscribers

    /// From now on the stream is told what it wants.
    func add(_ stream: EventStream, _ interest: EventInterest) {
        if streamCount == 0 { begin() }
        streamCount += 1
        if groups[interest] == nil { groups[interest] = EventGroup(interest) }
        groups[interest]?.streams[ObjectIdentifier(stream)] = stream
    }

    /// The stream has ended.
    func remove(_ stream: EventStream, _ interest: EventInterest) {
        guard groups[interest]?.streams.removeValue(forKey: ObjectIdentifier(stream)) != nil else {
            return
        }
        if groups[interest]?.streams.isEmpty == true { groups[interest] = nil }
        streamCount -= 1
        if streamCount == 0 { end() }
    }

    private func begin() {
        ticket = link.follow({ .event(.follow(self.namespace), $0) }) { answer in
            switch answer {
            case .event(.following(let newest)):
                self.newest = newest
                self.heldBehind = newest
                self.wakeAll()
            case .event(.published(let publications)): self.arrived(publications)
            case .event(.removed(let topics)): self.forget(topics)
            default: self.failAll(answer)
            }
        }
        scheduleMarks()
    }

    private func end() {
        if let ticket { link.abandon(ticket) }
        ticket = nil
        markTask?.cancel()
        onEmpty()
    }

    private var streams: [EventStream] { groups.values.flatMap { $0.streams.values } }

    private func wakeAll() { for stream in streams { stream.proceed() } }

    private func failAll(_ answer: Answer) {
        for stream in streams { stream.end(answer.refusal) }
    }

    private func scheduleMarks() {
        markTask = loop.scheduleTask(in: Self.markInterval) {
            if let newest = self.newest {
                for stream in self.streams { stream.mark(newest) }
            }
            self.scheduleMarks()
        }
    }

    // MARK: Publications

    private func arrived(_ publications: [Coordination.Publication]) {
        guard let last = publications.last else { return }
        let entries = publications.map { EventEntry($0) }
        recent += entries
        for entry in entries { recentBytes += entry.publication.content.byteCount }
        newest = last.sequence
        trim()
        for group in Array(groups.values) { group.tell(entries, through: last.sequence) }
    }

    private func trim() {
        while recent.count - head > Self.maxRecent || recentBytes > Self.maxRecentBytes,
            head < recent.count
        {
            heldBehind = recent[head].sequence
            recentBytes -= recent[head].publication.content.byteCount
            head += 1
        }
        if head > Self.maxRecent {
            recent.removeFirst(head)
            head = 0
        }
    }

    /// Publications were removed: who comes to them later is told of a gap instead.
    private func forget(_ topics: [String: Int64]) {
        for (topic, sequence) in topics where sequence > heldBehind {
            removedThrough[topic] = sequence
        }
        if removedThrough.count > Self.maxRecent {
            removedThrough = removedThrough.filter { $0.value > heldBehind }
        }
    }

    /// Whether everything from a sequence on is at hand.
    func holds(from sequence: Int64) -> Bool { sequence > heldBehind }

    /// What is at hand from a sequence on that somebody wants, up to about `maxBytes`.
    func recent(
        from sequence: Int64, _ interest: EventInterest, maxBytes: Int, limit: Int = .max
    ) -> RecentEvents {
        var found = RecentEvents(through: newest ?? 0)
        var bytes = 0
        for entry in recent[firstIndex(from: sequence)...] {
            if isRemoved(entry) {
                if interest.covers(entry) { found.removedThrough = entry.sequence }
                continue
            }
            guard interest.wants(entry) else { continue }
            found.entries.append(entry)
            bytes += entry.publication.content.byteCount
            guard bytes >= maxBytes || found.entries.count >= limit else { continue }
            found.through = entry.sequence
            break
        }
        return found
    }

    private func isRemoved(_ entry: EventEntry) -> Bool {
        if removedThrough.isEmpty { return false }
        return removedThrough[entry.publication.content.topic].map { entry.sequence <= $0 } ?? false
    }

    private func firstIndex(from sequence: Int64) -> Int {
        var low = head
        var high = recent.count
        while low < high {
            let middle = (low + high) / 2
            if recent[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// What a feed has at hand for one subscriber.
struct RecentEvents {
    var entries: [EventEntry] = []
    /// How far that goes.
    var through: Int64
    /// The newest of its topics' that was removed on the way; 0: none was.
    var removedThrough: Int64 = 0
}

/// Which publications a subscriber wants; those who want the same share what is encoded.
struct EventInterest: Hashable {
    let patterns: [TopicPattern]
    let filter: EventFilter?

    /// Whether a publication is of its topics.
    func covers(_ entry: EventEntry) -> Bool { patterns.match(entry.publication.content.topic) }

    /// Whether a publication is for it.
    func wants(_ entry: EventEntry) -> Bool {
        guard covers(entry) else { return false }
        guard let filter else { return true }
        return entry.fits(filter)
    }

    static func == (a: Self, b: Self) -> Bool {
        a.patterns == b.patterns && a.filterName == b.filterName
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(patterns)
        hasher.combine(filterName)
    }

    /// By its bytes: filters that look alike may want different publications.
    private var filterName: ExactName? { filter.map { ExactName($0.text) } }
}

/// The subscribers of a loop that want the same.
final class EventGroup {
    private let interest: EventInterest
    var streams: [ObjectIdentifier: EventStream] = [:]

    init(_ interest: EventInterest) { self.interest = interest }

    /// New publications, all of them; those that are wanted are put into messages once.
    func tell(_ entries: [EventEntry], through: Int64) {
        let wanted = entries.filter(interest.wants)
        let frames = EventFrame.frames(wanted, toldThrough: through)
        for stream in Array(streams.values) {
            if stream.isLive {
                if !frames.isEmpty { stream.tell(frames, through: through) }
            } else {
                stream.proceed()
            }
        }
    }
}
