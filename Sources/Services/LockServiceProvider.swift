import Coordination
import Engine
import GRPC
import Messages
import Stubs
import Threads

/// Serves `cadre.v1.LockService`.
///
/// Runs on the socket loops; holds nothing of a call but closures on its link.
public struct LockServiceProvider: LockServiceHandler {
    private let links: EngineLinks

    /// Serves the engine behind `links`.
    public init(links: EngineLinks) { self.links = links }

    // MARK: Acquiring

    /// Acquires, waiting up to a limit.
    public func acquire(_ request: AcquireRequest, _ call: UnaryCall<AcquireResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let claim = faults.claim(request.claim)
        faults.checkWait(request.waitMillis)
        faults.check(request.requestID.utf8.count <= 256, "request_id", "is over 256 bytes")
        guard faults.status == nil, let claim else {
            return call.fail(faults.status ?? .missing("claim"))
        }
        let acquire = AcquireLocks(
            namespace: namespace, claim: claim,
            wait: request.waitMillis == 0 ? .not : Self.wait(request.waitMillis),
            isStream: false, requestID: request.requestID)
        if request.waitMillis > 0 { call.endAtShutdown() }
        let ticket = ask(call, .acquire(acquire)) { answer in
            guard case .granted(let view) = answer else { return nil }
            return AcquireResponse(grant: LockGrant(view))
        }
        if let ticket, request.requestID.isEmpty { takeBack(acquire, ticket, call) }
    }

    /// Nobody can ever learn of a grant that comes when its caller is gone and that no request id
    /// names: it is released, rather than held until its lease ends.
    private func takeBack(
        _ acquire: AcquireLocks, _ ticket: ReplyTicket, _ call: UnaryCall<AcquireResponse>
    ) {
        let link = links.link(on: call.eventLoop)
        call.onCancel { _ in
            link.abandon(ticket) { answer in
                guard case .locks(.granted(let view)) = answer else { return }
                let release = LockCommand.release(
                    acquire.namespace, acquire: view.acquire.serial, owner: acquire.claim.owner)
                link.ask({ .locks(release, $0) }) { _ in }
            }
        }
    }

    /// Acquires and tells what becomes of it.
    public func acquireStream(
        _ request: AcquireStreamRequest, _ call: ServerStreamCall<AcquireStreamResponse>
    ) {
        var faults = FieldFaults()
        let claim = faults.claim(request.claim)
        faults.checkWait(request.waitMillis)
        let lease = claim?.leaseMillis ?? 30_000
        faults.check(
            request.warnMillis >= 0 && request.warnMillis < max(lease, 1), "warn_millis",
            "is \(request.warnMillis); allowed are 0 to less than the lease of \(lease) ms")
        faults.check(request.requestID.utf8.count <= 256, "request_id", "is over 256 bytes")
        guard faults.status == nil, let claim else {
            return call.fail(faults.status ?? .missing("claim"))
        }
        do throws(GRPCStatus) {
            let acquire = AcquireLocks(
                namespace: try call.metadata.namespace(), claim: claim,
                wait: request.waitMillis == 0 ? .always : Self.wait(request.waitMillis),
                isStream: true, requestID: request.requestID)
            LockStream(
                link: links.link(on: call.eventLoop), call: call,
                warnMillis: request.warnMillis
            ).begin(acquire)
        } catch {
            call.fail(error)
        }
    }

    private static func wait(_ millis: Int64) -> LockWait {
        .until(nanos: SystemClock.monotonicNanos() + millis * 1_000_000)
    }

    // MARK: Keeping and ending

    /// Begins the lease of an acquire anew.
    public func renew(_ request: RenewRequest, _ call: UnaryCall<RenewResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let serial = faults.acquire(request.acquireID)
        faults.checkName(request.owner, "owner")
        faults.checkLease(request.leaseMillis, "lease_millis")
        if let status = faults.status { return call.fail(status) }
        let lease = request.leaseMillis == 0 ? nil : request.leaseMillis
        let command = LockCommand.renew(
            namespace, acquire: serial, owner: request.owner, leaseMillis: lease)
        ask(call, command) { answer in
            guard case .renewed(let lease, let expires) = answer else { return nil }
            return RenewResponse(leaseMillis: lease, expiresUnixMillis: expires)
        }
    }

    /// Ends one acquire.
    public func release(_ request: ReleaseRequest, _ call: UnaryCall<ReleaseResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let serial = faults.acquire(request.acquireID)
        faults.checkName(request.owner, "owner")
        faults.check(request.requestID.utf8.count <= 256, "request_id", "is over 256 bytes")
        if let status = faults.status { return call.fail(status) }
        ask(call, .release(namespace, acquire: serial, owner: request.owner)) { answer in
            guard case .released(let released, let left) = answer else { return nil }
            return ReleaseResponse(
                released: released, stillHeld: left.map { Messages.LockHold($0) })
        }
    }

    /// Takes a resource from those who hold it.
    public func breakLock(_ request: BreakLockRequest, _ call: UnaryCall<BreakLockResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.resource, "resource")
        let serial = request.acquireID.isEmpty ? nil : faults.acquire(request.acquireID)
        faults.checkSignature(
            actor: request.actor, reason: request.reason, needsReason: true,
            requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let order = BreakLock(
            namespace: namespace, resource: request.resource, acquire: serial,
            signature: call.signature(
                actor: request.actor, reason: request.reason, requestID: request.requestID))
        ask(call, .breakLock(order)) { answer in
            guard case .broken(let count) = answer else { return nil }
            return BreakLockResponse(broken: Int32(clamping: count))
        }
    }

    // MARK: Looking

    /// Who holds a resource and who waits.
    public func getLock(_ request: GetLockRequest, _ call: UnaryCall<GetLockResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.resource, "resource")
        if let status = faults.status { return call.fail(status) }
        ask(call, .get(namespace, resource: request.resource)) { answer in
            guard case .lock(let view, let expires) = answer else { return nil }
            return GetLockResponse(lock: Messages.Lock(view, expiresMillis: expires))
        }
    }

    /// Resources that somebody holds or waits for.
    public func listLocks(_ request: ListLocksRequest, _ call: UnaryCall<ListLocksResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        for (text, field) in [
            (request.prefix, "prefix"), (request.owner, "owner"),
            (request.pageToken, "page_token"),
        ] {
            faults.check(text.utf8.count <= 256, field, "is over 256 bytes")
        }
        let size = faults.pageSize(request.pageSize)
        if let status = faults.status { return call.fail(status) }
        let after = request.pageToken.isEmpty ? nil : request.pageToken
        let command = LockCommand.list(
            namespace, prefix: request.prefix, owner: request.owner, after: after, limit: size)
        ask(call, command) { answer in
            guard case .locks(let views, let expires, let more) = answer else { return nil }
            var response = ListLocksResponse()
            var budget = PageBudget()
            for (view, ends) in zip(views, expires) {
                let lock = Messages.Lock(view, expiresMillis: ends)
                guard budget.take(lock) else { break }
                response.locks.append(lock)
            }
            if more || response.locks.count < views.count {
                response.nextPageToken = response.locks.last?.resource ?? ""
            }
            return response
        }
    }

    // MARK: Parts

    /// Asks the engine once and responds with what `make` reads from the answer; `nil` from it means
    /// the answer is a refusal.
    @discardableResult
    private func ask<Response>(
        _ call: UnaryCall<Response>, _ command: LockCommand,
        _ make: @escaping (LockAnswer) -> Response?
    ) -> ReplyTicket? {
        guard call.isOpen else { return nil }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .locks(command, $0) }) { answer in
            if case .locks(let own) = answer, let response = make(own) {
                call.respond(response)
            } else {
                call.fail(answer.refusal)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
        return ticket
    }
}
