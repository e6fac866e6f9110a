import Coordination
import Store

/// Topics: their limits and lists, and where readers of them begin.
extension CoordinationEngine {
    mutating func decide(_ command: EventCommand, _ ticket: ReplyTicket) {
        switch command {
        case .publish(let order): publish(order, ticket)
        case .putTopic(let name, let limits, let by): putTopic(name, limits, by, ticket)
        case .deleteTopic(let name, let by): deleteTopic(name, by, ticket)
        case .listTopics(let namespace, let pattern, let after, let limit):
            listTopics(namespace, pattern, after: after, limit: limit, ticket)
        case .join(let join): self.join(join, ticket)
        case .check(let check): self.check(check, ticket)
        case .follow(let namespace): follow(namespace, ticket)
        case .subscription(let command): decide(command, ticket)
        }
    }

    // MARK: Changing

    private mutating func putTopic(
        _ name: TopicReference, _ wanted: TopicLimits, _ by: Signature, _ ticket: ReplyTicket
    ) {
        var hash = StableHash()
        hash.combine(name.topic)
        hash.combine(TopicCodec.encode(TopicSettings(limits: wanted)))
        guard let key = newRequest("PutTopic", name, by, hash.value, ticket) else { return }
        if isDraining { return reject(ticket, .draining) }
        if isDiskFull || isLowOnSpace { return reject(ticket, .diskFull) }
        makeRoomForTopic(name.topic, in: name.namespace)
        if let refusal = refusal(ofTopic: name.topic, in: name.namespace),
            events.spaces[name.namespace]?.topics.topics[name.topic] == nil
        {
            return reject(ticket, refusal, seen: changedIn(name.namespace))
        }
        var space = events.spaces.removeValue(forKey: name.namespace) ?? EventSpace()
        let before = space.topics.topics.count
        let put = space.topics.put(
            name.topic, wanted, at: now.wallMillis, maxTopics: limits.maxTopics)
        events.topicCount += space.topics.topics.count - before
        events.spaces[name.namespace] = space
        events.remove(put?.removed ?? [], of: name.topic, in: name.namespace)
        if let forgotten = put?.forgotten { noteForgotten(forgotten, in: name.namespace) }
        topicChanged(name)
        remember(key, hash: hash.value, answer: [1])
        audit(
            namespace: name.namespace, actor: by.actor, action: "PutTopic",
            subject: "topic/\(name.topic)",
            after: "\(wanted.maxPublications) publications, \(wanted.maxBytes) bytes, "
                + "\(wanted.maxAgeMillis) ms", requestID: by.requestID)
        answerTopic(name, ticket, seen: filling)
    }

    private mutating func deleteTopic(
        _ name: TopicReference, _ by: Signature, _ ticket: ReplyTicket
    ) {
        var hash = StableHash()
        hash.combine(name.topic)
        guard let key = newRequest("DeleteTopic", name, by, hash.value, ticket) else { return }
        guard let removed = events.spaces[name.namespace]?.topics.delete(name.topic) else {
            return reject(ticket, .unknownTopic(name.topic), seen: changedIn(name.namespace))
        }
        events.remove(removed, of: name.topic, in: name.namespace)
        topicChanged(name)
        var writer = ByteWriter(capacity: 12)
        writer.byte(1)
        writer.count(removed.count)
        remember(key, hash: hash.value, answer: writer.bytes)
        audit(
            namespace: name.namespace, actor: by.actor, action: "DeleteTopic",
            subject: "topic/\(name.topic)", before: "\(removed.count) publications",
            requestID: by.requestID)
        answer(ticket, .event(.topicDeleted(removed: Int64(removed.count))), seen: filling)
    }

    /// Answers a repeat of a change of a topic; `nil` then. Else what it is to be remembered by.
    private mutating func newRequest(
        _ method: String, _ name: TopicReference, _ by: Signature, _ hash: UInt64,
        _ ticket: ReplyTicket
    ) -> RequestLog.Key? {
        let key = RequestLog.Key(
            namespace: name.namespace, method: method, requestID: by.requestID)
        switch rememberedAnswer(key, hash: hash) {
        case .new: return key
        case .reused(let seen): reject(ticket, .requestReused, seen: seen)
        case .known(let bytes, let seen):
            if method == "PutTopic" {
                answerTopic(name, ticket, seen: max(seen, changedIn(name.namespace)))
            } else {
                var reader = ByteReader(Array(bytes.dropFirst()))
                let removed = Int64((try? reader.int()) ?? 0)
                answer(ticket, .event(.topicDeleted(removed: removed)), seen: seen)
            }
        }
        return nil
    }

    private mutating func answerTopic(
        _ name: TopicReference, _ ticket: ReplyTicket, seen: BatchNumber
    ) {
        guard let history = events.spaces[name.namespace]?.topics.topics[name.topic] else {
            return reject(ticket, .unknownTopic(name.topic), seen: seen)
        }
        answer(ticket, .event(.topic(TopicView(name: name.topic, history))), seen: seen)
    }

    private mutating func topicChanged(_ name: TopicReference) {
        noteChange(in: name.namespace)
        store(name.topic, in: name.namespace)
        armAge(of: name.topic, in: name.namespace)
    }

    private mutating func noteChange(in namespace: Namespace) {
        let batch = filling
        events.spaces[namespace]?.changedIn = batch
    }

    mutating func changedIn(_ namespace: Namespace) -> BatchNumber {
        events.spaces[namespace]?.changedIn ?? .none
    }

    // MARK: Looking

    private mutating func listTopics(
        _ namespace: Namespace, _ pattern: TopicPattern, after: String?, limit: Int,
        _ ticket: ReplyTicket
    ) {
        let table = events.spaces[namespace]?.topics ?? TopicTable()
        let names = table.names(pattern, after: after)
        let page = names.prefix(limit).compactMap { name in
            table.topics[name].map { TopicView(name: name, $0) }
        }
        let topics = EventAnswer.topics(
            page, more: names.count > page.count, newest: table.lastSequence)
        answer(ticket, .event(topics), seen: changedIn(namespace))
    }

    private mutating func join(_ join: JoinTopics, _ ticket: ReplyTicket) {
        let table = events.spaces[join.namespace]?.topics ?? TopicTable()
        let newest = table.lastSequence
        let removed = table.removedThrough(join.patterns)
        let seen = changedIn(join.namespace)
        var joined = JoinedTopics(
            next: newest + 1, newest: newest, removedThrough: removed, gapThrough: 0)
        switch join.start {
        case .now: break
        case .oldest: joined.next = table.oldestHeld(join.patterns) ?? newest + 1
        case .from(let sequence):
            guard sequence <= newest + 1 else {
                return reject(ticket, .sequenceAhead(sequence, newest: newest), seen: seen)
            }
            joined.next = sequence
            if removed >= sequence {
                if join.refusesGap {
                    return reject(ticket, .sequenceRemoved(oldest: removed + 1), seen: seen)
                }
                joined.gapThrough = removed
            }
        }
        answer(ticket, .event(.joined(joined)), seen: seen)
    }

    private mutating func check(_ check: CheckTopics, _ ticket: ReplyTicket) {
        let table = events.spaces[check.namespace]?.topics ?? TopicTable()
        var byTopic: [String: Int64] = [:]
        for topic in check.topics {
            let removed = table.topics[topic]?.settings.removedThrough ?? table.forgottenThrough
            if removed > 0 { byTopic[topic] = removed }
        }
        let checked = CheckedTopics(
            removedThrough: table.removedThrough(check.patterns), byTopic: byTopic)
        answer(ticket, .event(.checked(checked)), seen: changedIn(check.namespace))
    }

    private mutating func follow(_ namespace: Namespace, _ ticket: ReplyTicket) {
        if events.followerCount >= limits.maxEventFollowers {
            return reject(ticket, .tooManyWatching("events", limits.maxEventFollowers))
        }
        events.followerCount += 1
        events.spaces[namespace, default: EventSpace()].followers.append(ticket)
        open.insert(.followingEvents(namespace), for: ticket)
        let newest = events.spaces[namespace]?.topics.lastSequence ?? 0
        answer(ticket, .event(.following(newest: newest)), seen: changedIn(namespace))
    }

    mutating func unfollow(_ namespace: Namespace, _ ticket: ReplyTicket) {
        events.followerCount -= 1
        events.spaces[namespace]?.followers.removeAll { $0 == ticket }
        guard let space = events.spaces[namespace], space.topics.isEmpty, space.followers.isEmpty
        else { return }
        events.spaces[namespace] = nil
    }

    // MARK: Age

    /// Has the topic's oldest let go when it is too old.
    mutating func armAge(of topic: String, in namespace: Namespace) {
        guard let history = events.spaces[namespace]?.topics.topics[topic] else { return }
        guard let expiry = history.expiryMillis else { return }
        // A timer that rings too early looks again; one that is due later than needed is moved.
        let due = monotonicNanos(atWallMillis: expiry)
        if history.timer >= 0 {
            if timers.key(of: history.timer) > due { timers.update(history.timer, key: due) }
            return
        }
        let cell = events.timers.insert(TopicReference(namespace: namespace, topic: topic))
        let timer = timers.insert(.topicAge(cell), key: due)
        events.spaces[namespace]?.topics.setTimer(timer, of: topic)
    }

    mutating func topicAgeDue(_ cell: Int32) {
        let name = events.timers[cell]
        events.timers.remove(cell)
        guard events.spaces[name.namespace]?.topics.topics[name.topic] != nil else { return }
        events.spaces[name.namespace]?.topics.setTimer(-1, of: name.topic)
        let removed = events.spaces[name.namespace]?.topics.trim(name.topic, at: now.wallMillis)
        if let removed, !removed.isEmpty {
            events.remove(removed, of: name.topic, in: name.namespace)
            noteChange(in: name.namespace)
            store(name.topic, in: name.namespace)
        }
        armAge(of: name.topic, in: name.namespace)
    }
}
