import Coordination

@testable import Engine

/// What somebody asked of shared memory.
struct MemoryQuestion {
    enum Work {
        /// `nil`: delete.
        case write(MemoryKey, Payload?, expected: Int64?, fence: LockFence?, ttlMillis: Int64)
        /// Writes one key when another's revision is as expected.
        case transact(MemoryKey, expected: Int64, MemoryKey, Payload)
        case get([MemoryKey])
    }

    var work: Work
    /// Empty: none.
    var requestID = ""
    /// The newest revision that anybody had been told when it was asked.
    var toldRevision: Int64 = 0
}

/// Somebody who watches, and remembers up to where.
struct MemoryReader {
    let scope: MemoryScope
    var call: UInt64?
    /// The first revision it has not been told of.
    var next: Int64 = 1
    var hasBegun = false
}

extension SharingWorld {
    // MARK: Asking

    mutating func write() {
        let key = Self.keys[random.int(0...3)]
        var value: Payload? = Payload(bytes: Array("\(calls)".utf8))
        if random.chance(0.15) { value = nil }
        var question = MemoryQuestion(
            work: .write(
                key, value, expected: expectation(key), fence: fence(),
                ttlMillis: random.chance(0.1) && value != nil ? Int64(random.int(1...500)) : 0))
        if random.chance(0.15), let value {
            let other = Self.keys[random.int(0...3)]
            question.work = .transact(
                key, expected: store.entry(key, asOf: .max)?.revision ?? 0, other, value)
        }
        if random.chance(0.5) { question.requestID = "w\(calls)" }
        ask(question)
    }

    /// Mostly none; else what is on disk, or something old.
    private mutating func expectation(_ key: MemoryKey) -> Int64? {
        guard random.chance(0.3) else { return nil }
        let stored = store.entry(key, asOf: .max)?.revision ?? 0
        return random.chance(0.8) ? stored : stored / 2
    }

    /// The token of somebody who has a lock, or believes so, or had it once.
    private mutating func fence() -> LockFence? {
        guard random.chance(0.4) else { return nil }
        let owner = owners[random.int(0...(owners.count - 1))]
        guard let acquire = owner.grants.randomElement(using: &random) ?? owner.lost,
            let wish = acquire.claim.wishes.first, let token = acquire.tokens.first
        else { return nil }
        // Under a shared lock several may write at once.
        return wish.mode == .exclusive ? LockFence(resource: wish.resource, token: token) : nil
    }

    mutating func look() {
        let keys = Self.keys.filter { _ in random.chance(0.6) }
        ask(MemoryQuestion(work: .get(keys)))
    }

    mutating func repeatRequest() {
        guard let question = repeats.popLast() else { return }
        ask(question)
    }

    private mutating func ask(_ question: MemoryQuestion) {
        var question = question
        question.toldRevision = toldRevision
        let signature = Signature(actor: "writer", requestID: question.requestID)
        let call = send { ticket in
            switch question.work {
            case .write(let key, let value, let expected, let fence, let ttl):
                .memory(
                    .write(
                        WriteMemory(
                            namespace: .default, key: key, value: value, ttlMillis: ttl,
                            expected: expected, fence: fence, signature: signature)), ticket)
            case .transact(let key, let expected, let other, let value):
                .memory(
                    .transact(
                        TransactMemory(
                            namespace: .default, compares: [.revisionEquals(key, expected)],
                            then: [.put(other, value, ttlMillis: 0), .get(key)],
                            orElse: [.get(other)], signature: signature)), ticket)
            case .get(let keys): .memory(.get(.default, keys), ticket)
            }
        }
        asked[call] = question
    }

    // MARK: Answers

    mutating func memoryAnswered(_ question: MemoryQuestion, _ answer: Answer) {
        switch (question.work, answer) {
        case (.get(let keys), .memory(.entries(let entries, let revision))):
            read(keys, entries, revision, question)
        case (.write(let key, let value, let expected, let fence, _), _):
            switch answer {
            case .memory(.put(let revision, _, _)), .memory(.deleted(true, let revision, _)):
                wrote(key, value, expected, fence, revision, question)
            case .memory(.deleted(false, _, _)), .rejected: break
            default: problems.append("a write was answered with something else")
            }
        case (.transact(let key, let expected, let other, let value), .memory(let own)):
            guard case .transacted(true, let revision, _) = own else { return }
            wrote(other, value, nil, nil, revision, question)
            if store.entry(key, asOf: revision - 1)?.revision ?? 0 != expected, key != other {
                problems.append("a comparison held that does not hold at \(revision)")
            }
        case (_, .rejected): break
        default: problems.append("a question was answered with something else")
        }
    }

    private mutating func wrote(
        _ key: MemoryKey, _ value: Payload?, _ expected: Int64?, _ fence: LockFence?,
        _ revision: Int64, _ question: MemoryQuestion
    ) {
        let change = store.changes.first { $0.entry.revision == revision && $0.entry.key == key }
        if change == nil || change?.kind != (value == nil ? .deleted : .put)
            || (value != nil && change?.entry.value != value)
        {
            problems.append("a write at \(revision) was told and is not on disk")
        }
        if let expected, store.entry(key, asOf: revision - 1)?.revision ?? 0 != expected {
            problems.append("a write at \(revision) did not find what it expected")
        }
        if !question.requestID.isEmpty,
            let known = answered.updateValue(revision, forKey: question.requestID)
        {
            if known != revision { problems.append("one request was carried out twice") }
            return
        }
        if revision <= question.toldRevision, question.requestID.isEmpty {
            problems.append("\(revision) was told before, and then given to a later write")
        }
        toldRevision = max(toldRevision, revision)
        if let fence { fenced[fence.resource, default: []].append((revision, fence.token)) }
    }

    /// All as it was at one revision, and that not older than what was known when it was asked.
    private mutating func read(
        _ keys: [MemoryKey], _ entries: [MemoryEntry], _ revision: Int64,
        _ question: MemoryQuestion
    ) {
        if revision > store.revision { problems.append("\(revision) was told, not on disk") }
        if revision < question.toldRevision {
            problems.append("a read is of \(revision), older than \(question.toldRevision)")
        }
        let expected = keys.compactMap { store.entry($0, asOf: revision) }
        if entries != expected {
            problems.append("a read at \(revision) gave \(entries), not \(expected)")
        }
        toldRevision = max(toldRevision, revision)
    }

    // MARK: Watching

    /// Begins to watch, or stops.
    mutating func watch(_ index: Int) {
        if let call = watchers[index].call {
            if isHealing || random.chance(0.7) { return }
            abandon(call)
            watchers[index].call = nil
            return
        }
        let (scope, next) = (watchers[index].scope, watchers[index].next)
        watchers[index].hasBegun = false
        watchers[index].call = send { .memory(.watch(.default, scope, from: next), $0) }
    }

    mutating func watcherTold(_ index: Int, _ answer: Answer) {
        let watcher = watchers[index]
        switch answer {
        case .memory(.watching(let revision, _)):
            // Up to here it reads from the store.
            if revision > store.revision { problems.append("a watch begins before the disk") }
            watchers[index].next = max(watcher.next, revision + 1)
            watchers[index].hasBegun = true
        case .memory(.changes(let changes)):
            guard let revision = changes.first?.entry.revision, watcher.hasBegun else {
                return problems.append("a watcher was told nothing, or too early")
            }
            let missing = store.changes(watcher.next..<revision, watcher.scope)
            let own = store.changes(revision..<(revision + 1), watcher.scope)
            if revision < watcher.next || !missing.isEmpty
                || changes.map(\.entry) != own.map(\.entry)
            {
                problems.append("a watcher at \(watcher.next) was told of \(changes)")
            }
            watchers[index].next = revision + 1
        case .rejected(let refusal) where refusal.reason == "COMPACTED":
            if store.revision - watcher.next < 6 {
                problems.append("\(watcher.next) is gone, the newest is \(store.revision)")
            }
            watchers[index].call = nil
            watchers[index].next = store.revision + 1
        default: problems.append("a watcher was told something else: \(answer)")
        }
    }
}
