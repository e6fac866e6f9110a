import Coordination
import Engine
import GRPC
import Messages
import Store
import Stubs

/// Serves `cadre.v1.MemoryService`: shared memory.
///
/// Runs on the socket loops; holds nothing of a call but closures on its link.
public struct MemoryServiceProvider: MemoryServiceHandler {
    let links: EngineLinks
    let host: EngineHost

    /// Serves the engine behind `links`.
    public init(links: EngineLinks, host: EngineHost) {
        self.links = links
        self.host = host
    }

    // MARK: Writing

    /// Writes an entry.
    public func put(
        _ request: MemoryServicePutRequest, _ call: UnaryCall<MemoryServicePutResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkKey(request.key, "key")
        faults.checkValue(request.value, "value")
        faults.checkTTL(request.ttlMillis, "ttl_millis")
        var expected: Int64?
        if case .expectedRevision(let revision) = request.expectation {
            faults.checkRevision(revision, "expected_revision")
            expected = revision
        }
        let fence = faults.fence(request.fence, "fence")
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let write = WriteMemory(
            namespace: namespace, key: MemoryKey(request.key),
            value: Coordination.Payload(orEmpty: request.value), ttlMillis: request.ttlMillis,
            expected: expected, fence: fence, returnsPrevious: request.returnPrevious,
            signature: call.signature(actor: request.actor, requestID: request.requestID))
        ask(call, .write(write)) { answer in
            guard case .put(let revision, let created, let previous) = answer else { return nil }
            return MemoryServicePutResponse(
                revision: revision, created: created,
                previous: previous.map { Messages.MemoryEntry($0) })
        }
    }

    /// Deletes an entry.
    public func delete(
        _ request: MemoryServiceDeleteRequest, _ call: UnaryCall<MemoryServiceDeleteResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkKey(request.key, "key")
        var expected: Int64?
        if case .expectedRevision(let revision) = request.expectation {
            faults.checkRevision(revision, "expected_revision")
            expected = revision
        }
        let fence = faults.fence(request.fence, "fence")
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let write = WriteMemory(
            namespace: namespace, key: MemoryKey(request.key), value: nil, expected: expected,
            fence: fence, returnsPrevious: request.returnPrevious,
            signature: call.signature(actor: request.actor, requestID: request.requestID))
        ask(call, .write(write)) { answer in
            guard case .deleted(let deleted, let revision, let previous) = answer else {
                return nil
            }
            return MemoryServiceDeleteResponse(
                deleted: deleted, revision: revision,
                previous: previous.map { Messages.MemoryEntry($0) })
        }
    }

    /// Compares, then carries out one of two lists of operations.
    public func txn(
        _ request: MemoryServiceTxnRequest, _ call: UnaryCall<MemoryServiceTxnResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.check(
            request.compares.count <= 128, "compares",
            "has \(request.compares.count) entries; at most 128 are allowed")
        var compares: [Coordination.MemoryCompare] = []
        for (index, message) in request.compares.prefix(128).enumerated() {
            let path = "compares[\(index)]"
            if let compare = Coordination.MemoryCompare(message, path, &faults) {
                compares.append(compare)
            }
        }
        let then = Coordination.MemoryOperation.all(request.then, "then", &faults)
        let orElse = Coordination.MemoryOperation.all(request.orElse, "or_else", &faults)
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let transact = TransactMemory(
            namespace: namespace, compares: compares, then: then, orElse: orElse,
            signature: call.signature(actor: request.actor, requestID: request.requestID))
        ask(call, .transact(transact)) { answer in
            guard case .transacted(let succeeded, let revision, let results) = answer else {
                return nil
            }
            return MemoryServiceTxnResponse(
                succeeded: succeeded, revision: revision, results: Self.fitting(results))
        }
    }

    /// Results as they fit into an answer: values that do not are left out, and it says so.
    private static func fitting(
        _ results: [Coordination.MemoryResult]
    ) -> [Messages.MemoryResult] {
        var left = 3 << 20
        return results.map { result in
            switch result {
            case .put(let entry):
                Messages.MemoryResult(
                    result: .put(Messages.MemoryEntry(entry, withValue: false)))
            case .deleted(let deleted): Messages.MemoryResult(result: .deleted(deleted))
            case .read(nil): Messages.MemoryResult(result: .read(MemoryRead()))
            case .read(let entry?):
                Messages.MemoryResult(result: .read(Self.read(entry, &left)))
            }
        }
    }

    private static func read(_ entry: Coordination.MemoryEntry, _ left: inout Int) -> MemoryRead {
        let fits = entry.value.bytes.count <= left
        if fits { left -= entry.value.bytes.count }
        return MemoryRead(
            entry: Messages.MemoryEntry(entry, withValue: fits), valueLeftOut: !fits)
    }

    // MARK: Parts

    /// Asks the engine once and responds with what `make` reads from the answer; `nil` from it means
    /// the answer is a refusal.
    func ask<Response>(
        _ call: UnaryCall<Response>, _ command: Engine.MemoryCommand,
        _ make: @escaping (MemoryAnswer) -> Response?
    ) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .memory(command, $0) }) { answer in
            if case .memory(let own) = answer, let response = make(own) {
                call.respond(response)
            } else {
                call.fail(answer.refusal)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }
}
