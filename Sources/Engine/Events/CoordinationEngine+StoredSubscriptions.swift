import Coordination
import Store

/// Subscriptions that an earlier process left.
extension CoordinationEngine {
    /// A row of a subscription; checked when it is read, taken up in the first turn.
    mutating func restoreSubscription(_ entity: EntityRow) throws(CodecError) {
        guard let blob = entity.blob else { return }
        let key = Array("\(entity.namespace)\0\(entity.key)".utf8)
        events.needsTakingUp = true
        switch entity.entityKind {
        case .subscription:
            let (definition, created, updated) = try SubscriptionCodec.decode(blob)
            let cell = subscriptions.cells.insert(
                SubscriptionCell(
                    namespace: Namespace(entity.namespace), definition: definition,
                    createdMillis: created, updatedMillis: updated))
            let name = SubscriptionName(
                namespace: Namespace(entity.namespace), name: definition.name)
            subscriptions.index[name] = cell
        case .subscriber: subscriptions.states[key] = try SubscriptionCodec.decodeState(blob)
        case .eventDeadLetters: subscriptions.letters[key] = try SubscriptionCodec.decodeMarks(blob)
        default: break
        }
    }

    /// In the first turn, behind the topics: every target goes on from where it was.
    mutating func takeUpRestoredSubscriptions() {
        let names = subscriptions.index.keys.sorted {
            ($0.namespace.name, $0.name) < ($1.namespace.name, $1.name)
        }
        for name in names {
            guard let cell = subscriptions.index[name] else { continue }
            for target in subscriptions.cells[cell].definition.targets {
                takeUp(target, of: name, cell)
            }
        }
        subscriptions.states = [:]
        subscriptions.letters = [:]
    }

    private mutating func takeUp(
        _ target: SubscriptionTarget, of name: SubscriptionName, _ cell: Int32
    ) {
        let key = Array("\(name.namespace.name)\0\(name.name)\0\(target.name)".utf8)
        let newest = events.spaces[name.namespace]?.topics.lastSequence ?? 0
        let state =
            subscriptions.states[key] ?? SubscriberState(acknowledged: newest, knownRemoved: newest)
        insertSubscriber(cell, target, state, subscriptions.letters[key] ?? [])
        guard let subscriber = subscriptions.cells[cell].subscribers.last else { return }
        if state.notBeforeMillis > 0 {
            armSubscriber(subscriber, atMillis: state.notBeforeMillis)
        } else if case .stream = target, let sequence = state.usedUp(policy(subscriber)) {
            // The earlier process ended between the refusal and its dead letter.
            fetchForParking(subscriber, sequence)
        } else {
            pump(subscriber)
        }
    }
}
