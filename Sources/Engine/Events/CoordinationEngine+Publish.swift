import Coordination
import Store

/// Publishing: what is appended to a topic, and what it sets in motion.
extension CoordinationEngine {
    mutating func publish(_ order: PublishEvents, _ ticket: ReplyTicket) {
        // The command took one place in the batch; every further publication takes one too.
        draft.commands += order.items.count - 1
        var outcomes: [Result<PublishedEvent, Rejection>] = []
        outcomes.reserveCapacity(order.items.count)
        var seen = BatchNumber.none
        for item in order.items {
            let (outcome, batch) = publish(item, in: order.namespace)
            if case .failure(let rejection) = outcome {
                ready.notices.append(.rejected(reason: rejection.reason))
            }
            outcomes.append(outcome)
            seen = max(seen, batch)
        }
        answer(ticket, .event(.outcomes(outcomes)), seen: seen)
    }

    private mutating func publish(
        _ item: PublishEvents.Item, in namespace: Namespace
    ) -> (Result<PublishedEvent, Rejection>, seen: BatchNumber) {
        let key = RequestLog.Key(
            namespace: namespace, method: PublishedAnswer.method, requestID: item.requestID)
        switch rememberedAnswer(key, hash: item.contentHash) {
        case .known(let bytes, let seen):
            do throws(CodecError) {
                return (.success(try PublishedAnswer.decode(bytes)), seen)
            } catch {
                return (.failure(.unreadableAnswer(error)), seen)
            }
        case .reused(let seen): return (.failure(.requestReused), seen)
        case .new: break
        }
        let content = item.content
        makeRoomForTopic(content.topic, in: namespace)
        let receivers =
            content.isJSON
            ? router.receivers(of: content.topic, in: namespace) : EventRouter.Receivers()
        if let refusal = refusal(of: content, receivers, in: namespace) {
            return (.failure(refusal), events.spaces[namespace]?.changedIn ?? .none)
        }
        let publication = append(content, in: namespace)
        let count = receivers.definitions.count + receivers.listeners.count
        let published = PublishedEvent(
            sequence: publication.sequence, topicSequence: publication.topicSequence,
            receivers: count, isExisting: false)
        remember(key, hash: item.contentHash, answer: PublishedAnswer.encode(published))
        for name in receivers.definitions {
            startTriggered(name, content.payload, in: namespace, root: nil, depth: 0)
        }
        for listener in receivers.listeners { feed(listener, content.payload) }
        draft.starts += count
        draft.commands += count
        return (.success(published), filling)
    }

    private mutating func refusal(
        of content: PublicationContent, _ receivers: EventRouter.Receivers,
        in namespace: Namespace
    ) -> Rejection? {
        if isDraining { return .draining }
        if isDiskFull || isLowOnSpace { return .diskFull }
        if let refusal = refusal(ofTopic: content.topic, in: namespace) { return refusal }
        let count = receivers.definitions.count + receivers.listeners.count
        if let failure = refusal(ofReceivers: count, content.payload) {
            return .tooManyReceivers(failure.message)
        }
        let isFull =
            !receivers.definitions.isEmpty
            && openRuns + receivers.definitions.count > limits.maxOpenRuns
        return isFull ? .tooManyRuns(limits.maxOpenRuns) : nil
    }

    /// When the server has as many topics as it may, one of which nothing is held makes room.
    mutating func makeRoomForTopic(_ topic: String, in namespace: Namespace) {
        guard events.topicCount >= limits.maxTopicsInAll,
            events.spaces[namespace]?.topics.topics[topic] == nil
        else { return }
        for other in events.spaces.keys.sorted(by: { $0.name < $1.name }) {
            guard let forgotten = events.spaces[other]?.topics.forgetVoid() else { continue }
            events.topicCount -= 1
            noteForgotten(forgotten, in: other)
            let batch = filling
            events.spaces[other]?.changedIn = batch
            return
        }
    }

    /// Why nothing can be published to a topic.
    mutating func refusal(ofTopic topic: String, in namespace: Namespace) -> Rejection? {
        let table = events.spaces[namespace]?.topics ?? TopicTable()
        if table.topics[topic] == nil, events.topicCount >= limits.maxTopicsInAll {
            return .tooManyTopics(limits.maxTopicsInAll, "this server")
        }
        let refusal = table.refusal(
            of: topic, maxTopics: limits.maxTopics, maxHeld: limits.maxPublications)
        switch refusal {
        case nil: return nil
        case .tooManyTopics(let limit): return .tooManyTopics(limit, "this namespace")
        case .historyFull(let limit): return .historyFull(limit)
        }
    }

    /// Appends what is not refused to its topic, with the filling batch.
    mutating func append(_ content: PublicationContent, in namespace: Namespace) -> Publication {
        let topic = content.topic
        events.touch(namespace)
        var space = events.spaces.removeValue(forKey: namespace) ?? EventSpace()
        let before = space.topics.topics.count
        let appended = space.topics.append(
            to: topic, bytes: content.byteCount, at: now.wallMillis, maxTopics: limits.maxTopics,
            maxHeld: limits.maxPublications)
        let publication = Publication(
            content, sequence: appended.sequence, topicSequence: appended.topicSequence,
            atMillis: now.wallMillis)
        events.topicCount += space.topics.topics.count - before
        space.filling.append(publication)
        space.changedIn = filling
        events.spaces[namespace] = space
        events.remove(appended.removed, of: topic, in: namespace)
        draft.publications.append(
            PublicationRow(namespace: namespace.name, publication: publication))
        if let forgotten = appended.forgotten { noteForgotten(forgotten, in: namespace) }
        store(topic, in: namespace)
        armAge(of: topic, in: namespace)
        return publication
    }

    /// Those who follow are told once for a batch: of what is published, then of what is removed, so
    /// that who keeps up is told of what the same batch removes again.
    mutating func tellFollowers() {
        for namespace in events.touched {
            guard let space = events.spaces[namespace] else { continue }
            events.spaces[namespace]?.filling = []
            events.spaces[namespace]?.removing = [:]
            if !space.filling.isEmpty {
                draft.effects.notices.append(.published(count: space.filling.count))
                draft.effects.published.append((namespace, space.filling))
                tell(space.followers, .published(space.filling))
            }
            if !space.removing.isEmpty { tell(space.followers, .removed(space.removing)) }
        }
        events.touched.removeAll(keepingCapacity: true)
    }

    private mutating func tell(_ followers: [ReplyTicket], _ answer: EventAnswer) {
        for ticket in followers { draft.effects.events.append(Reply(ticket, .event(answer))) }
    }
}

/// What a publication answered.
enum PublishedAnswer {
    static let method = "Publish"

    /// Format version, then sequence, number in the topic, receivers.
    static func encode(_ published: PublishedEvent) -> [UInt8] {
        var writer = ByteWriter(capacity: 24)
        writer.byte(1)
        writer.signed(published.sequence)
        writer.signed(published.topicSequence)
        writer.count(published.receivers)
        return writer.bytes
    }

    static func decode(_ answer: [UInt8]) throws(CodecError) -> PublishedEvent {
        var reader = ByteReader(answer)
        _ = try reader.version(newest: 1)
        return PublishedEvent(
            sequence: try reader.signed(), topicSequence: try reader.signed(),
            receivers: try reader.int(), isExisting: true)
    }
}
