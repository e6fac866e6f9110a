import Coordination
import Store

/// Topics as they are stored, and taken up again.
extension CoordinationEngine {
    /// What is kept of a topic goes with the filling batch.
    mutating func store(_ topic: String, in namespace: Namespace) {
        guard let history = events.spaces[namespace]?.topics.topics[topic] else { return }
        put(
            EntityRow(
                kind: .topic, namespace: namespace.name, key: topic,
                blob: TopicCodec.encode(history.settings)))
    }

    /// A void topic made room for another.
    mutating func noteForgotten(_ forgotten: TopicTable.Forgotten, in namespace: Namespace) {
        if forgotten.timer >= 0, case .topicAge(let cell) = timers.remove(forgotten.timer) {
            events.timers.remove(cell)
        }
        let through = events.spaces[namespace]?.topics.forgottenThrough ?? 0
        put(EntityRow(kind: .topic, namespace: namespace.name, key: forgotten.topic, blob: nil))
        put(
            EntityRow(
                kind: .forgottenTopics, namespace: namespace.name, key: "",
                blob: TopicCodec.encode(forgottenThrough: through)))
    }

    /// A step publishes: what it says is kept, if its event type is a topic's name.
    ///
    /// - Returns: why it cannot be.
    mutating func keep(
        _ payload: Payload, of eventType: String, by run: Int32, _ step: Int
    ) -> StepFailure? {
        guard TopicName.isRight(eventType) else { return nil }
        let state = runs[run].machine.state
        makeRoomForTopic(eventType, in: state.namespace)
        if let refusal = refusal(ofTopic: eventType, in: state.namespace) {
            return StepFailure(
                type: refusal.reason.lowercased(), message: refusal.message, retryable: true)
        }
        let publisher = "run/\(state.id)/\(state.name(of: step))"
        _ = append(
            PublicationContent(
                topic: eventType, payload: payload, publisher: publisher.cut(toBytes: 256)),
            in: state.namespace)
        return nil
    }

    // MARK: Restoring

    /// A topic that the store holds; its publications come later, see ``restore(_:in:)``.
    mutating func restoreTopic(_ entity: EntityRow) throws(CodecError) {
        guard let blob = entity.blob else { return }
        let namespace = Namespace(entity.namespace)
        events.needsTakingUp = true
        if entity.entityKind == .topic {
            let settings = try TopicCodec.decode(blob)
            events.spaces[namespace, default: EventSpace()].topics.restore(entity.key, settings)
            events.topicCount += 1
        } else {
            let through = try TopicCodec.decodeForgotten(blob)
            events.spaces[namespace, default: EventSpace()].topics
                .restore(forgottenThrough: through)
        }
    }

    /// Namespaces that have topics: their publications are to be restored, when all else is.
    public var publishingNamespaces: [Namespace] { Array(events.spaces.keys) }

    /// Publications of a namespace that the store holds, by ascending sequence.
    public mutating func restore(_ marks: [PublicationMark], in namespace: Namespace) {
        var gone: [Int64] = []
        for mark in marks {
            let isHeld =
                events.spaces[namespace]?.topics.restore(mark.mark, of: mark.topic) ?? false
            if !isHeld { gone.append(mark.mark.sequence) }
        }
        // They were removed before the restart, and their rows were still to go.
        events.doom(gone, in: namespace)
    }

    /// In the first turn, which knows the time.
    mutating func takeUpRestoredTopics() {
        guard events.needsTakingUp else { return }
        events.needsTakingUp = false
        for namespace in events.spaces.keys.sorted(by: { $0.name < $1.name }) {
            events.spaces[namespace]?.topics.restored()
            let newest = events.spaces[namespace]?.topics.lastSequence ?? 0
            events.spaces[namespace]?.committed = newest
            guard let topics = events.spaces[namespace]?.topics.topics.keys else { continue }
            for topic in topics.sorted() { armAge(of: topic, in: namespace) }
        }
        takeUpRestoredSubscriptions()
    }
}
