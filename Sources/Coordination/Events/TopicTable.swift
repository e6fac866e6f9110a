/// The topics of one namespace and the line of their sequences.
///
/// A topic of which nothing is held stays, so that subscribers are told exactly what they missed,
/// until its room is needed; then only ``forgottenThrough`` remembers it.
public struct TopicTable: Sendable {
    /// Why something cannot be published.
    public enum Refusal: Error, Sendable, Hashable {
        /// The namespace has as many topics as it may.
        case tooManyTopics(Int)
        /// It holds as many publications as it may, and the topic has none of them to give up.
        case historyFull(Int)
    }

    /// What came of a publication.
    public struct Appended: Sendable, Hashable {
        /// Its number over all topics of the namespace, and in its own; both from 1.
        public var sequence: Int64
        public var topicSequence: Int64
        /// Sequences that its topic let go for it.
        public var removed: [Int64]
        /// A topic that was forgotten for it.
        public var forgotten: Forgotten?
    }

    /// A topic that is not known any more.
    public struct Forgotten: Sendable, Hashable {
        /// Its name.
        public var topic: String
        /// The handle of its age timer; -1: none.
        public var timer: Int32
    }

    /// By name.
    public private(set) var topics: [String: TopicHistory] = [:]
    /// The newest sequence; 0: nothing was published.
    public private(set) var lastSequence: Int64 = 0
    /// Topics that are not known any more had sequences up to this one.
    public private(set) var forgottenThrough: Int64 = 0
    /// Publications held.
    public private(set) var held = 0
    /// Topics that have become void, oldest first; some may be in use again.
    private var void: [String] = []

    /// No topics.
    public init() {}

    /// Whether nothing is known of any topic.
    public var isEmpty: Bool { topics.isEmpty && lastSequence == 0 }

    // MARK: Publishing

    /// Whether a publication would be refused.
    public func refusal(
        of topic: String, maxTopics: Int, maxHeld: Int
    ) -> Refusal? {
        guard let history = topics[topic] else {
            if topics.count >= maxTopics, !hasVoid { return .tooManyTopics(maxTopics) }
            return held >= maxHeld ? .historyFull(maxHeld) : nil
        }
        return held >= maxHeld && history.count == 0 ? .historyFull(maxHeld) : nil
    }

    /// Appends a publication that is not refused.
    ///
    /// - Parameters:
    ///   - maxHeld: publications of all topics; past it the topic gives up its oldest.
    public mutating func append(
        to topic: String, bytes: Int, at nowMillis: Int64, maxTopics: Int, maxHeld: Int
    ) -> Appended {
        var forgotten: Forgotten?
        if topics[topic] == nil { forgotten = makeRoom(maxTopics: maxTopics) }
        lastSequence += 1
        let before = topics[topic]?.count ?? 0
        var appended = Appended(
            sequence: lastSequence, topicSequence: 0, removed: [], forgotten: forgotten)
        let isFull = held >= maxHeld
        topics[topic, default: TopicHistory()].take(
            sequence: lastSequence, bytes: bytes, at: nowMillis, givesUpOldest: isFull, &appended)
        held += (topics[topic]?.count ?? 0) - before
        return appended
    }

    // MARK: Changing

    /// Sets a topic's limits, making it if need be; `nil` when there is no room for another.
    ///
    /// - Returns: the sequences that went, and a topic that was forgotten for it.
    public mutating func put(
        _ topic: String, _ limits: TopicLimits, at nowMillis: Int64, maxTopics: Int
    ) -> (removed: [Int64], forgotten: Forgotten?)? {
        var forgotten: Forgotten?
        if topics[topic] == nil {
            if topics.count >= maxTopics, !hasVoid { return nil }
            forgotten = makeRoom(maxTopics: maxTopics)
        }
        topics[topic, default: TopicHistory()].settings.limits = limits
        topics[topic]?.settings.isPut = true
        return (trim(topic, at: nowMillis), forgotten)
    }

    /// Lets a topic's history go, and that somebody put it; `nil`: there is none.
    public mutating func delete(_ topic: String) -> [Int64]? {
        guard let history = topics[topic], !history.isVoid else { return nil }
        let removed = topics[topic]?.removeAll() ?? []
        topics[topic]?.settings.isPut = false
        topics[topic]?.settings.limits = .defaults
        held -= removed.count
        noteVoid(topic)
        return removed
    }

    /// Lets go what is too old in a topic.
    public mutating func trim(_ topic: String, at nowMillis: Int64) -> [Int64] {
        let removed = topics[topic]?.trim(at: nowMillis) ?? []
        held -= removed.count
        if !removed.isEmpty, topics[topic]?.isVoid == true { noteVoid(topic) }
        return removed
    }

    /// The handle of what rings when a topic's oldest is too old.
    public mutating func setTimer(_ timer: Int32, of topic: String) {
        topics[topic]?.timer = timer
    }

    /// A topic that comes and goes stands in line once at the end.
    private mutating func noteVoid(_ topic: String) {
        void.append(topic)
        guard void.count > 64, void.count > topics.count * 2 else { return }
        var seen: Set<String> = []
        void = void.reversed().filter { topics[$0]?.isVoid == true && seen.insert($0).inserted }
            .reversed()
    }

    private var hasVoid: Bool { void.contains { topics[$0]?.isVoid == true } }

    /// Forgets the topic that has been void the longest, if there must be room for another.
    private mutating func makeRoom(maxTopics: Int) -> Forgotten? {
        topics.count >= maxTopics ? forgetVoid() : nil
    }

    /// Forgets the topic that has been void the longest; `nil`: none is.
    public mutating func forgetVoid() -> Forgotten? {
        while !void.isEmpty {
            let name = void.removeFirst()
            guard let history = topics[name], history.isVoid else { continue }
            topics[name] = nil
            forgottenThrough = max(forgottenThrough, history.settings.removedThrough)
            return Forgotten(topic: name, timer: history.timer)
        }
        return nil
    }

    // MARK: Looking

    /// The newest sequence that was removed from topics that fit, and perhaps from forgotten ones.
    public func removedThrough(_ patterns: [TopicPattern]) -> Int64 {
        var newest = forgottenThrough
        for history in matching(patterns) {
            newest = max(newest, history.settings.removedThrough)
        }
        return newest
    }

    /// The oldest sequence held in topics that fit; `nil`: nothing is.
    public func oldestHeld(_ patterns: [TopicPattern]) -> Int64? {
        matching(patterns).compactMap { $0.oldest?.sequence }.min()
    }

    /// Publications held behind a sequence in topics that fit; of a pattern among very many topics,
    /// in all of them.
    public func count(
        _ patterns: [TopicPattern], behind sequence: Int64, atMost limit: Int
    ) -> Int {
        if patterns.topics == nil, topics.count > 1_000 {
            return Int(max(0, min(Int64(limit), lastSequence - sequence)))
        }
        var count = 0
        for history in matching(patterns) {
            count += history.count(behind: sequence)
            if count >= limit { return limit }
        }
        return count
    }

    private func matching(_ patterns: [TopicPattern]) -> [TopicHistory] {
        if let names = patterns.topics { return names.compactMap { topics[$0] } }
        return topics.filter { patterns.match($0.key) }.map(\.value)
    }

    /// Names of topics that fit and are not void, ascending by UTF-8, behind `after`.
    public func names(_ pattern: TopicPattern, after: String?) -> [String] {
        topics.filter { name, history in
            !history.isVoid && (after.map { $0.utf8.lexicographicallyPrecedes(name.utf8) } ?? true)
                && pattern.matches(name)
        }.map(\.key).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    // MARK: Restoring

    /// A topic that the store holds; before its publications.
    public mutating func restore(_ topic: String, _ settings: TopicSettings) {
        topics[topic] = TopicHistory(settings)
        lastSequence = max(lastSequence, settings.removedThrough)
    }

    /// How far topics were forgotten.
    public mutating func restore(forgottenThrough sequence: Int64) {
        forgottenThrough = sequence
        lastSequence = max(lastSequence, sequence)
    }

    /// A publication that the store holds, in ascending order; `false`: it was removed, and only its
    /// row is still there.
    public mutating func restore(_ mark: TopicHistory.Mark, of topic: String) -> Bool {
        lastSequence = max(lastSequence, mark.sequence)
        guard let history = topics[topic], history.settings.removedThrough < mark.sequence else {
            return false
        }
        topics[topic]?.append(mark)
        held += 1
        return true
    }

    /// Everything was restored.
    public mutating func restored() {
        void = topics.filter(\.value.isVoid).sorted {
            ($0.value.settings.removedThrough, $0.key) < ($1.value.settings.removedThrough, $1.key)
        }.map(\.key)
    }
}

extension TopicHistory {
    fileprivate mutating func take(
        sequence: Int64, bytes: Int, at nowMillis: Int64, givesUpOldest: Bool,
        _ appended: inout TopicTable.Appended
    ) {
        if givesUpOldest, let gone = removeOldest() { appended.removed.append(gone) }
        settings.published += 1
        settings.lastMillis = max(settings.lastMillis, nowMillis)
        appended.topicSequence = settings.published
        append(Mark(sequence: sequence, atMillis: settings.lastMillis, bytes: bytes))
        appended.removed += trim(at: nowMillis)
    }
}
