import Coordination
import Engine
import GRPC
import Messages
import Stubs

extension EventServiceProvider {
    // MARK: Subscriptions

    /// Makes a subscription or changes it, after every bad field was named.
    public func putSubscription(
        _ request: PutSubscriptionRequest, _ call: UnaryCall<PutSubscriptionResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        guard let message = request.subscription else { return call.fail(.missing("subscription")) }
        var reader = SubscriptionReader(message)
        let definition = reader.definition()
        var faults = reader.faults
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        ask(call, .put(namespace, definition, by: by)) { answer in
            guard case .put(let view, let changed) = answer else { return nil }
            return PutSubscriptionResponse(
                subscription: Messages.Subscription(view), changed: changed)
        }
    }

    /// One subscription as it stands.
    public func getSubscription(
        _ request: GetSubscriptionRequest, _ call: UnaryCall<GetSubscriptionResponse>
    ) {
        guard let name = name(request.name, "name", call) else { return }
        ask(call, .get(name)) { answer in
            guard case .one(let view) = answer else { return nil }
            return GetSubscriptionResponse(subscription: Messages.Subscription(view))
        }
    }

    /// A page of subscriptions by ascending name.
    public func listSubscriptions(
        _ request: ListSubscriptionsRequest, _ call: UnaryCall<ListSubscriptionsResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let size = faults.page(size: request.pageSize, token: request.pageToken)
        if let status = faults.status { return call.fail(status) }
        let after = request.pageToken.isEmpty ? nil : request.pageToken
        ask(call, .list(namespace, after: after, limit: size)) { answer in
            guard case .list(let views, let more) = answer else { return nil }
            var response = ListSubscriptionsResponse()
            var budget = PageBudget()
            for view in views {
                let entry = Messages.Subscription(view)
                guard budget.take(entry) else { break }
                response.subscriptions.append(entry)
            }
            if more || response.subscriptions.count < views.count {
                response.nextPageToken = response.subscriptions.last?.definition?.name ?? ""
            }
            return response
        }
    }

    /// Takes a subscription away.
    public func deleteSubscription(
        _ request: DeleteSubscriptionRequest, _ call: UnaryCall<DeleteSubscriptionResponse>
    ) {
        guard
            let name = name(
                request.name, "name", call, actor: request.actor, requestID: request.requestID)
        else { return }
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        ask(call, .delete(name, by: by)) { answer in
            guard case .deleted = answer else { return nil }
            return DeleteSubscriptionResponse()
        }
    }

    // MARK: Acknowledging

    /// A reader is done with everything up to a sequence.
    public func ack(_ request: AckRequest, _ call: UnaryCall<AckResponse>) {
        guard
            let name = name(
                request.subscription, "subscription", call, sequence: request.sequence,
                requestID: request.requestID)
        else { return }
        ask(call, .acknowledge(name, sequence: request.sequence)) { answer in
            guard case .acknowledged(let sequence) = answer else { return nil }
            return AckResponse(acknowledgedSequence: sequence)
        }
    }

    /// A reader could not do a publication.
    public func nack(_ request: NackRequest, _ call: UnaryCall<NackResponse>) {
        guard
            let name = name(
                request.subscription, "subscription", call, sequence: request.sequence,
                requestID: request.requestID)
        else { return }
        var faults = FieldFaults()
        let failure = faults.failure(request.failure)
        if let status = faults.status { return call.fail(status) }
        let command = SubscriptionCommand.refuse(
            name, sequence: request.sequence, failure, requestID: request.requestID)
        ask(call, command) { answer in
            guard case .refused(let acknowledged, let isDeadLetter, let next) = answer else {
                return nil
            }
            return NackResponse(
                acknowledgedSequence: acknowledged, deadLettered: isDeadLetter,
                nextAttemptUnixMillis: next)
        }
    }

    // MARK: Dead letters

    /// A page of dead letters by subscription, target and sequence.
    public func listEventDeadLetters(
        _ request: ListEventDeadLettersRequest, _ call: UnaryCall<ListEventDeadLettersResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let size = faults.page(size: request.pageSize, token: request.pageToken)
        faults.check(
            request.subscription.utf8.count <= 256, "subscription", "is over 256 bytes")
        if let status = faults.status { return call.fail(status) }
        let prefix = request.subscription.isEmpty ? "" : "\(request.subscription)\0"
        // NUL cannot travel in a string of a message.
        let token = request.pageToken.replacing("\u{1}", with: "\0")
        let after = token.isEmpty ? (prefix.isEmpty ? nil : prefix) : token
        let hop = call.hop {
            (result: Result<[(key: String, Coordination.EventDeadLetter)], Rejection>) in
            switch result {
            case .failure(let rejection): call.fail(rejection.status)
            case .success(let found):
                call.respond(Self.page(found, prefix: prefix, size: size))
            }
        }
        host.eventDeadLetters(namespace: namespace, after: after, limit: size, completion: hop)
    }

    private static func page(
        _ found: [(key: String, Coordination.EventDeadLetter)], prefix: String, size: Int
    ) -> ListEventDeadLettersResponse {
        var response = ListEventDeadLettersResponse()
        var budget = PageBudget()
        var last = ""
        for (key, letter) in found {
            guard key.utf8.starts(with: prefix.utf8) else { return response }
            let entry = Messages.EventDeadLetter(letter)
            guard budget.take(entry) else {
                response.nextPageToken = last.replacing("\0", with: "\u{1}")
                return response
            }
            last = key
            response.deadLetters.append(entry)
        }
        if found.count == size { response.nextPageToken = last.replacing("\0", with: "\u{1}") }
        return response
    }

    /// Delivers a dead letter again, or gives it up.
    public func requeueEvent(
        _ request: RequeueEventRequest, _ call: UnaryCall<RequeueEventResponse>
    ) {
        guard
            let name = name(
                request.subscription, "subscription", call, sequence: request.sequence,
                actor: request.actor, requestID: request.requestID)
        else { return }
        var faults = FieldFaults()
        faults.check(request.target.utf8.count <= 1_024, "target", "is over 1,024 bytes")
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        let command = SubscriptionCommand.requeue(
            name, target: request.target, sequence: request.sequence,
            isDiscarded: request.discard, by: by)
        ask(call, command) { answer in
            guard case .requeued = answer else { return nil }
            return RequeueEventResponse()
        }
    }

    // MARK: Parts

    /// The subscription that a request names; wrong fields refuse the call and give `nil`.
    private func name<Response>(
        _ name: String, _ field: String, _ call: UnaryCall<Response>, sequence: Int64? = nil,
        actor: String = "", requestID: String = ""
    ) -> SubscriptionName? {
        guard let namespace = call.namespace() else { return nil }
        var faults = FieldFaults()
        faults.checkName(name, field)
        if let sequence {
            faults.check(sequence >= 1, "sequence", "is \(sequence); sequences start at 1")
        }
        faults.checkSignature(actor: actor, requestID: requestID)
        if let status = faults.status {
            call.fail(status)
            return nil
        }
        return SubscriptionName(namespace: namespace, name: name)
    }

    private func ask<Response>(
        _ call: UnaryCall<Response>, _ command: SubscriptionCommand,
        _ make: @escaping (SubscriptionAnswer) -> Response?
    ) {
        ask(call, .subscription(command)) { (answer: EventAnswer) in
            guard case .subscription(let own) = answer, let response = make(own) else {
                return .failure(.unexpectedAnswer)
            }
            return .success(response)
        }
    }
}

extension FieldFaults {
    /// Reads why a reader could not do something; what is wrong is noted.
    fileprivate mutating func failure(_ failure: Failure?) -> StepFailure {
        guard let failure else {
            return StepFailure(
                type: "nacked", message: "its reader could not do it", retryable: true)
        }
        check(failure.type.utf8.count <= 256, "failure.type", "is over 256 bytes")
        check(failure.message.utf8.count <= 4_096, "failure.message", "is over 4,096 bytes")
        check(
            (0...86_400_000).contains(failure.retryAfterMillis), "failure.retry_after_millis",
            "is \(failure.retryAfterMillis); 0 to 86400000")
        return StepFailure(
            type: failure.type.isEmpty ? "nacked" : failure.type, message: failure.message,
            retryable: failure.retryable,
            retryAfterMillis: failure.retryAfterMillis == 0 ? nil : failure.retryAfterMillis)
    }
}
