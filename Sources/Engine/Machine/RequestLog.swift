import Coordination

/// Request ids of the last day with the answers they got, so that a repeated call changes nothing
/// and gets the same answer.
///
/// A request is known by a 128-bit fingerprint of its namespace, method and id under a secret of
/// this engine's, so an entry costs some 150 bytes however long its names are. Each namespace
/// holds a bounded number, and all together do; past it its oldest go early. Each new request also
/// looks after one namespace in turn, so that quiet ones do not keep what is too old.
struct RequestLog: Sendable {
    /// What names a request.
    struct Key: Sendable, Hashable {
        var namespace: Namespace
        var method: String
        var requestID: String
    }

    struct Entry: Sendable {
        var contentHash: UInt64
        /// The stored answer, format version first.
        var answer: [UInt8]
        var createdMillis: Int64
        /// The batch that holds it.
        var changedIn: BatchNumber
    }

    private struct Fingerprint: Sendable, Hashable {
        var high: UInt64
        var low: UInt64
    }

    /// The requests of one namespace in the order in which they came.
    private struct Line: Sendable {
        var order: [Fingerprint] = []
        var oldest = 0
        var held: Int { order.count - oldest }
        /// Where it stands among ``RequestLog/namespaces``.
        var place: Int
    }

    /// How many of another namespace's go with one request.
    private static let sweptAtOnce = 8

    private var entries: [Fingerprint: Entry] = [:]
    private var lines: [Namespace: Line] = [:]
    /// Those that have a line, and the one that is looked after next.
    private var namespaces: [Namespace] = []
    private var nextSwept = 0
    private let maxPerNamespace: Int
    private let maxInAll: Int
    private let lifeMillis: Int64
    private let secret: UInt64
    /// How many went before their time since the engine began.
    private(set) var forgottenEarly: UInt64 = 0

    /// An empty log.
    ///
    /// - Parameter secret: unknown to clients, so that none can make two requests look alike.
    init(
        maxPerNamespace: Int, maxInAll: Int = .max, lifeMillis: Int64, secret: UInt64
    ) {
        self.maxPerNamespace = maxPerNamespace
        self.maxInAll = maxInAll
        self.lifeMillis = lifeMillis
        self.secret = secret
    }

    /// How many are held.
    var count: Int { entries.count }
    /// How many namespaces hold some.
    var namespaceCount: Int { namespaces.count }

    func entry(_ key: Key, nowMillis: Int64) -> Entry? {
        guard let entry = entries[fingerprint(key)], entry.createdMillis + lifeMillis > nowMillis
        else { return nil }
        return entry
    }

    /// Remembers an answer; the oldest of its namespace that are over the limit or too old go, but
    /// none that is not on disk yet.
    mutating func insert(_ entry: Entry, for key: Key, committed: BatchNumber) {
        let fingerprint = fingerprint(key)
        var line = takeLine(key.namespace)
        // What is too old goes first, so that an id used again after its time comes last in line.
        forgetOldest(&line, nowMillis: entry.createdMillis, committed)
        let isNew = entries.updateValue(entry, forKey: fingerprint) == nil
        if isNew { line.order.append(fingerprint) }
        forgetOldest(&line, nowMillis: entry.createdMillis, committed)
        lines[key.namespace] = line
        sweep(nowMillis: entry.createdMillis, committed)
    }

    private mutating func takeLine(_ namespace: Namespace) -> Line {
        if let line = lines.removeValue(forKey: namespace) { return line }
        namespaces.append(namespace)
        return Line(place: namespaces.count - 1)
    }

    /// Looks after one namespace; one that has nothing left goes.
    private mutating func sweep(nowMillis: Int64, _ committed: BatchNumber) {
        if nextSwept >= namespaces.count { nextSwept = 0 }
        let namespace = namespaces[nextSwept]
        guard var line = lines.removeValue(forKey: namespace) else { return }
        forgetOldest(&line, nowMillis: nowMillis, committed, isSwept: true)
        if line.held > 0 {
            lines[namespace] = line
            nextSwept += 1
        } else {
            let last = namespaces.removeLast()
            guard last != namespace else { return }
            namespaces[line.place] = last
            lines[last]?.place = line.place
        }
    }

    private mutating func forgetOldest(
        _ line: inout Line, nowMillis: Int64, _ committed: BatchNumber, isSwept: Bool = false
    ) {
        var left = isSwept ? Self.sweptAtOnce : .max
        while left > 0, line.oldest < line.order.count, let old = entries[line.order[line.oldest]] {
            let isOld = old.createdMillis + lifeMillis <= nowMillis
            // A namespace that is swept makes room for all, but keeps its newest.
            let isCrowded = isSwept && entries.count > maxInAll && line.held > 1
            guard isOld || isCrowded || line.held > maxPerNamespace, old.changedIn <= committed
            else { break }
            if !isOld { forgottenEarly += 1 }
            entries[line.order[line.oldest]] = nil
            line.oldest += 1
            left -= 1
        }
        if line.oldest > 1_024, line.oldest * 2 > line.order.count {
            line.order.removeFirst(line.oldest)
            line.oldest = 0
        }
    }

    private func fingerprint(_ key: Key) -> Fingerprint {
        var high = StableHash(seed: secret)
        var low = StableHash(seed: ~secret)
        for part in [key.namespace.name, key.method, key.requestID] {
            let bytes = Array(part.utf8)
            high.combine(bytes)
            low.combine(bytes)
        }
        return Fingerprint(high: high.value, low: low.value)
    }
}
