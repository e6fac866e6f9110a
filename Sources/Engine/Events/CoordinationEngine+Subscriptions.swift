import Coordination
import Store

/// Durable subscriptions: what callers ask of them.
extension CoordinationEngine {
    mutating func decide(_ command: SubscriptionCommand, _ ticket: ReplyTicket) {
        switch command {
        case .put(let namespace, let definition, let by):
            putSubscription(namespace, definition, by, ticket)
        case .get(let name):
            guard let cell = findSubscription(name, ticket) else { return }
            answer(ticket, .event(.subscription(.one(view(cell)))), seen: seen(subscription: cell))
        case .list(let namespace, let after, let limit):
            listSubscriptions(namespace, after: after, limit: limit, ticket)
        case .delete(let name, let by): deleteSubscription(name, by, ticket)
        case .attach(let name): attachStream(name, ticket)
        case .sent(let name, let sent): streamSent(name, sent, ticket)
        case .acknowledge(let name, let sequence): acknowledge(name, sequence, ticket)
        case .refuse(let name, let sequence, let failure, let requestID):
            refuse(name, sequence, failure, requestID, ticket)
        case .requeue(let name, let target, let sequence, let isDiscarded, let by):
            requeue(name, target, sequence, isDiscarded: isDiscarded, by, ticket)
        case .agentAnswered(let call, let delivery): agentAnswered(call, delivery)
        }
    }

    mutating func findSubscriptionCell(_ name: SubscriptionName) -> Int32? {
        subscriptions.index[name]
    }

    mutating func findSubscription(_ name: SubscriptionName, _ ticket: ReplyTicket) -> Int32? {
        if let cell = subscriptions.index[name] { return cell }
        reject(ticket, .unknownSubscription(name.name), seen: subscriptions.changedIn)
        return nil
    }

    // MARK: Putting

    private mutating func putSubscription(
        _ namespace: Namespace, _ definition: SubscriptionDefinition, _ by: Signature,
        _ ticket: ReplyTicket
    ) {
        if isPutBefore(namespace, definition, by, ticket) { return }
        if isDraining { return reject(ticket, .draining) }
        if isDiskFull || isLowOnSpace { return reject(ticket, .diskFull) }
        if let workflow = missingWorkflow(of: definition, in: namespace) {
            let known = definitionNames(in: namespace)
            return reject(
                ticket, .unknownWorkflow(workflow, known: known), seen: definitionsChangedIn)
        }
        let name = SubscriptionName(namespace: namespace, name: definition.name)
        if let known = subscriptions.index[name] {
            if PutAnswer.content(subscriptions.cells[known].definition)
                == PutAnswer.content(definition)
            {
                return answerPut(known, by, changed: false, ticket)
            }
            replace(known, definition)
            finishPut(known, by, before: "was there", ticket)
        } else {
            makeSubscription(name, definition, by, ticket)
        }
    }

    /// A workflow that a target starts and that is not defined; `nil`: there is none.
    private mutating func missingWorkflow(
        of definition: SubscriptionDefinition, in namespace: Namespace
    ) -> String? {
        let wanted = definition.targets.compactMap(\.workflow)
        return wanted.first { definitions[ScopedName(namespace: namespace, name: $0)] == nil }
    }

    private mutating func makeSubscription(
        _ name: SubscriptionName, _ definition: SubscriptionDefinition, _ by: Signature,
        _ ticket: ReplyTicket
    ) {
        guard subscriptions.index.count < limits.maxSubscriptions else {
            return reject(ticket, .tooManySubscriptions(limits.maxSubscriptions))
        }
        let table = events.spaces[name.namespace]?.topics ?? TopicTable()
        let removed = table.removedThrough(definition.patterns)
        var begin = table.lastSequence
        switch definition.start {
        case .now: break
        case .oldest: begin = (table.oldestHeld(definition.patterns) ?? begin + 1) - 1
        case .from(let sequence):
            let seen = changedIn(name.namespace)
            if sequence > begin + 1 {
                return reject(ticket, .sequenceAhead(sequence, newest: begin), seen: seen)
            }
            if removed >= sequence {
                return reject(ticket, .sequenceRemoved(oldest: removed + 1), seen: seen)
            }
            begin = sequence - 1
        }
        let state = SubscriberState(acknowledged: begin, knownRemoved: removed)
        let cell = subscriptions.cells.insert(
            SubscriptionCell(
                namespace: name.namespace, definition: definition, createdMillis: now.wallMillis,
                updatedMillis: now.wallMillis))
        subscriptions.index[name] = cell
        for target in definition.targets { insertSubscriber(cell, target, state) }
        finishPut(cell, by, before: "", ticket)
    }

    /// Targets of the same name go on from where they are; new ones begin with what comes now.
    private mutating func replace(_ cell: Int32, _ definition: SubscriptionDefinition) {
        let old = subscriptions.cells[cell].subscribers
        let namespace = subscriptions.cells[cell].namespace
        let table = events.spaces[namespace]?.topics ?? TopicTable()
        let fresh = SubscriberState(
            acknowledged: table.lastSequence,
            knownRemoved: table.removedThrough(definition.patterns))
        let before = subscriptions.cells[cell].definition
        subscriptions.cells[cell].definition = definition
        subscriptions.cells[cell].updatedMillis = now.wallMillis
        subscriptions.cells[cell].subscribers = []
        for target in definition.targets {
            let same = old.first {
                subscriptions.subscribers[$0].target.name.hasSameBytes(as: target.name)
            }
            if let same {
                subscriptions.cells[cell].subscribers.append(same)
                goOn(same, target, from: before, to: definition)
            } else {
                insertSubscriber(cell, target, fresh)
            }
        }
        let kept = subscriptions.cells[cell].subscribers
        for subscriber in old where !kept.contains(subscriber) { removeSubscriber(subscriber) }
    }

    /// A target stays. Only what it is given being another makes it start over.
    private mutating func goOn(
        _ subscriber: Int32, _ target: SubscriptionTarget, from before: SubscriptionDefinition,
        to definition: SubscriptionDefinition
    ) {
        let old = subscriptions.subscribers[subscriber].target
        if before.isSame(for: old, as: definition, for: target) {
            if definition.isPaused { holdStream(subscriber) }
            return
        }
        subscriptions.subscribers[subscriber].target = target
        subscriptions.subscribers[subscriber].plan = EventPlan(definition, target)
        startOver(subscriber)
    }

    private mutating func finishPut(
        _ cell: Int32, _ by: Signature, before: String, _ ticket: ReplyTicket
    ) {
        let namespace = subscriptions.cells[cell].namespace
        let definition = subscriptions.cells[cell].definition
        put(
            EntityRow(
                kind: .subscription, namespace: namespace.name, key: definition.name,
                blob: SubscriptionCodec.encode(
                    definition, createdMillis: subscriptions.cells[cell].createdMillis,
                    updatedMillis: subscriptions.cells[cell].updatedMillis)))
        audit(
            namespace: namespace, actor: by.actor, action: "PutSubscription",
            subject: "subscription/\(definition.name)", before: before,
            after: definition.patterns.map(\.text).joined(separator: ", ") + " to "
                + definition.targets.map(\.name).joined(separator: ", "),
            requestID: by.requestID)
        subscriptions.interested = [:]
        let batch = filling
        subscriptions.changedIn = batch
        subscriptions.cells[cell].changedIn = batch
        let subscribers = subscriptions.cells[cell].subscribers
        for subscriber in subscribers {
            storeSubscriber(subscriber)
            pump(subscriber)
        }
        answerPut(cell, by, changed: true, ticket)
    }

    // MARK: Deleting

    private mutating func deleteSubscription(
        _ name: SubscriptionName, _ by: Signature, _ ticket: ReplyTicket
    ) {
        var hash = StableHash()
        hash.combine(name.name)
        let key = RequestLog.Key(
            namespace: name.namespace, method: "DeleteSubscription", requestID: by.requestID)
        switch rememberedAnswer(key, hash: hash.value) {
        case .reused(let seen): return reject(ticket, .requestReused, seen: seen)
        case .known(_, let seen):
            return answer(ticket, .event(.subscription(.deleted)), seen: seen)
        case .new: break
        }
        guard let cell = findSubscription(name, ticket) else { return }
        let subscribers = subscriptions.cells[cell].subscribers
        for subscriber in subscribers { removeSubscriber(subscriber) }
        subscriptions.cells.remove(cell)
        subscriptions.index[name] = nil
        subscriptions.interested = [:]
        put(
            EntityRow(
                kind: .subscription, namespace: name.namespace.name, key: name.name, blob: nil))
        remember(key, hash: hash.value, answer: [1])
        audit(
            namespace: name.namespace, actor: by.actor, action: "DeleteSubscription",
            subject: "subscription/\(name.name)", requestID: by.requestID)
        let batch = filling
        subscriptions.changedIn = batch
        answer(ticket, .event(.subscription(.deleted)), seen: batch)
    }

    // MARK: Looking

    private mutating func listSubscriptions(
        _ namespace: Namespace, after: String?, limit: Int, _ ticket: ReplyTicket
    ) {
        let names = subscriptions.index.keys.filter { $0.namespace == namespace }.map(\.name)
            .filter { after?.utf8.lexicographicallyPrecedes($0.utf8) ?? true }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var views: [SubscriptionView] = []
        var newest = subscriptions.changedIn
        for name in names.prefix(limit) {
            let key = SubscriptionName(namespace: namespace, name: name)
            guard let cell = subscriptions.index[key] else { continue }
            views.append(view(cell))
            newest = max(newest, seen(subscription: cell))
        }
        let answer = SubscriptionAnswer.list(views, more: names.count > views.count)
        self.answer(ticket, .event(.subscription(answer)), seen: newest)
    }

    mutating func seen(subscription cell: Int32) -> BatchNumber {
        var newest = max(subscriptions.cells[cell].changedIn, subscriptions.changedIn)
        for subscriber in subscriptions.cells[cell].subscribers {
            newest = max(newest, subscriptions.subscribers[subscriber].changedIn)
        }
        return max(newest, changedIn(subscriptions.cells[cell].namespace))
    }

    mutating func view(_ cell: Int32) -> SubscriptionView {
        let subscription = subscriptions.cells[cell]
        let table = events.spaces[subscription.namespace]?.topics ?? TopicTable()
        return SubscriptionView(
            definition: subscription.definition, createdMillis: subscription.createdMillis,
            updatedMillis: subscription.updatedMillis,
            targets: subscription.subscribers.map { index in
                let subscriber = subscriptions.subscribers[index]
                let isDone =
                    subscriber.isLive && subscriber.machine.outCount == 0
                    && subscriber.queue.isEmpty && !subscriber.isPreparing
                return SubscriberView(
                    name: subscriber.target.name, state: subscriber.machine.state,
                    lag: isDone
                        ? 0
                        : table.count(
                            subscription.definition.patterns,
                            behind: subscriber.machine.state.acknowledged, atMost: 100_000),
                    deadLetters: subscriber.letters.count,
                    isConnected: subscriber.stream != nil)
            })
    }
}

extension SubscriptionDefinition {
    /// Whether a target is given the same as under another definition.
    fileprivate func isSame(
        for target: SubscriptionTarget, as other: Self, for otherTarget: SubscriptionTarget
    ) -> Bool {
        given(to: target) == other.given(to: otherTarget)
    }

    private func given(to target: SubscriptionTarget) -> [UInt8] {
        PutAnswer.content(
            SubscriptionDefinition(
                name: "", patterns: patterns, filter: filter, targets: [target]))
    }
}

extension SubscriptionTarget {
    /// The definition that it starts.
    fileprivate var workflow: String? {
        switch self {
        case .stream, .agent: nil
        case .workflow(let name, _, _, _): name
        case .signal(_, _, let starting, _): starting.isEmpty ? nil : starting
        }
    }
}
