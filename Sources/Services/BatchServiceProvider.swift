import Coordination
import Engine
import GRPC
import JSON
import Messages
import Stubs

/// Serves `cadre.v1.BatchService`: items that come one by one and go to an agent together.
///
/// Runs on the socket loops; holds nothing of a call but closures on its link.
public struct BatchServiceProvider: BatchServiceHandler {
    private let links: EngineLinks

    /// Serves the engine behind `links`.
    public init(links: EngineLinks) { self.links = links }

    // MARK: Definitions

    /// Makes a batch or changes one, after every bad field was named.
    public func configureBatch(
        _ request: ConfigureBatchRequest, _ call: UnaryCall<ConfigureBatchResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        guard let message = request.batch else { return call.fail(.missing("batch")) }
        var faults = FieldFaults()
        let definition = Coordination.BatchDefinition(message, &faults)
        faults.add(definition.faults("batch."))
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        ask(call, .configure(namespace, definition, by: by)) { answer in
            guard case .configured(let definition) = answer else { return nil }
            return ConfigureBatchResponse(batch: Messages.BatchDefinition(definition))
        }
    }

    /// Forgets a batch.
    public func deleteBatch(
        _ request: DeleteBatchRequest, _ call: UnaryCall<DeleteBatchResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.operation, "operation")
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        ask(call, .delete(namespace, operation: request.operation, by: by)) { answer in
            guard case .deleted = answer else { return nil }
            return DeleteBatchResponse()
        }
    }

    // MARK: Items

    /// Brings one item and answers with its own result.
    public func submit(_ request: SubmitRequest, _ call: UnaryCall<SubmitResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.operation, "operation")
        let item = SubmitItems.Item(
            request.payload, request.requestID, request.durable, "", &faults)
        if let status = faults.status { return call.fail(status) }
        let submit = SubmitItems(
            namespace: namespace, operation: request.operation, items: [item])
        ask(call, request.durable ? .submitDurable(submit) : .submit(submit)) { answer in
            guard case .settled(let outcomes) = answer, let outcome = outcomes.first else {
                return nil
            }
            return SubmitResponse(outcome: Messages.ItemOutcome(outcome))
        }
    }

    /// Brings many items and answers when the last of them has its result.
    public func submitMany(_ request: SubmitManyRequest, _ call: UnaryCall<SubmitManyResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.operation, "operation")
        let count = request.items.count
        faults.check((1...1_000).contains(count), "items", "has \(count) entries; 1 to 1,000")
        var names: Set<String> = []
        var items: [SubmitItems.Item] = []
        for (place, item) in request.items.prefix(1_000).enumerated() {
            let path = "items[\(place)]."
            faults.check(
                item.requestID.isEmpty || names.insert(item.requestID).inserted,
                "\(path)request_id", "is there twice")
            items.append(
                SubmitItems.Item(item.payload, item.requestID, request.durable, path, &faults))
        }
        if let status = faults.status { return call.fail(status) }
        let submit = SubmitItems(
            namespace: namespace, operation: request.operation, items: items)
        ask(call, request.durable ? .submitDurable(submit) : .submit(submit)) { answer in
            guard case .settled(let outcomes) = answer else { return nil }
            return SubmitManyResponse(outcomes)
        }
    }

    /// Lets what waits leave now.
    public func flush(_ request: FlushRequest, _ call: UnaryCall<FlushResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.operation, "operation")
        if let status = faults.status { return call.fail(status) }
        ask(call, .flush(namespace, operation: request.operation)) { answer in
            guard case .flushed(let count) = answer else { return nil }
            return FlushResponse(items: Int32(clamping: count))
        }
    }

    /// How the batches of the namespace stand.
    public func getBatchStats(
        _ request: GetBatchStatsRequest, _ call: UnaryCall<GetBatchStatsResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.check(request.operation.utf8.count <= 256, "operation", "is over 256 bytes")
        if let status = faults.status { return call.fail(status) }
        let operation = request.operation.isEmpty ? nil : request.operation
        ask(call, .stats(namespace, operation: operation)) { answer in
            guard case .stats(let stats) = answer else { return nil }
            return GetBatchStatsResponse(batches: stats.map(Messages.BatchStats.init))
        }
    }

    private func ask<Response>(
        _ call: UnaryCall<Response>, _ command: ItemCommand,
        _ make: @escaping (ItemAnswer) -> Response?
    ) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .items(command, $0) }) { answer in
            if case .items(let own) = answer, let response = make(own) {
                call.respond(response)
            } else {
                call.fail(answer.refusal)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }
}
