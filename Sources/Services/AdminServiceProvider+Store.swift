import Coordination
import Engine
import GRPC
import Messages
import Store
import Stubs

/// What operators ask of the store: a backup, a check, the audit log.
extension AdminServiceProvider {
    /// Streams the copy as the reader takes it.
    public func backup(_ request: BackupRequest, _ call: ServerStreamCall<BackupResponse>) {
        do throws(GRPCStatus) {
            _ = try call.metadata.namespace()
        } catch {
            return call.fail(error)
        }
        BackupStream(call).begin(host)
    }

    /// Answers with what is wrong.
    public func verifyStore(
        _ request: VerifyStoreRequest, _ call: UnaryCall<VerifyStoreResponse>
    ) {
        guard call.namespace() != nil else { return }
        let answer = call.hop { (result: Result<StoreVerdict, Rejection>) in
            switch result {
            case .failure(let rejection): call.fail(rejection.status)
            case .success(let verdict):
                var response = VerifyStoreResponse()
                response.problems = verdict.problems
                response.tookMillis = verdict.tookMillis
                call.respond(response)
            }
        }
        host.verifyStore(completion: answer)
    }

    /// One page, newest first.
    public func listAudit(_ request: ListAuditRequest, _ call: UnaryCall<ListAuditResponse>) {
        guard call.namespace() != nil, let page = AuditPage(request, call) else { return }
        let answer = call.hop { (result: Result<[AuditRow], Rejection>) in
            switch result {
            case .failure(let rejection): call.fail(rejection.status)
            case .success(let rows): call.respond(page.response(rows))
            }
        }
        host.listAudit(
            namespace: page.namespace, subject: page.subject, before: page.before,
            limit: page.size + 1, completion: answer)
    }
}

/// A page of ListAudit. The token is the number of the last line of the page before.
private struct AuditPage {
    let namespace: Namespace?
    let subject: String?
    let before: Int64?
    let size: Int

    /// Reads it off the wire; refuses the call and gives `nil` when it is wrong.
    init?(_ request: ListAuditRequest, _ call: UnaryCall<ListAuditResponse>) {
        var faults = FieldFaults()
        faults.check(
            (0...1_000).contains(request.pageSize), "page_size",
            "is \(request.pageSize); 1 to 1000, 0 for the default of 100")
        let token = Int64(request.pageToken)
        faults.check(
            request.pageToken.isEmpty || (token ?? 0) > 0, "page_token",
            "is not one that this server made; begin with an empty one")
        faults.check(request.namespace.utf8.count <= 256, "namespace", "is over 256 bytes")
        faults.check(request.subject.utf8.count <= 4_096, "subject", "is over 4096 bytes")
        if let status = faults.status {
            call.fail(status)
            return nil
        }
        namespace = request.namespace.isEmpty ? nil : Namespace(request.namespace)
        subject = request.subject.isEmpty ? nil : request.subject
        before = token
        size = request.pageSize == 0 ? 100 : Int(request.pageSize)
    }

    /// One line more than the page was read, to know whether another page follows.
    func response(_ rows: [AuditRow]) -> ListAuditResponse {
        var response = ListAuditResponse()
        var budget = PageBudget()
        for row in rows.prefix(size) {
            let entry = AuditEntry(row)
            guard budget.take(entry) else { break }
            response.entries.append(entry)
        }
        if rows.count > response.entries.count, let last = response.entries.last {
            response.nextPageToken = String(last.sequence)
        }
        return response
    }
}

extension AuditEntry {
    /// A stored line of the audit log.
    fileprivate init(_ row: AuditRow) {
        self.init()
        sequence = row.sequence
        unixMillis = row.atMillis
        namespace = row.namespace
        actor = row.actor
        action = row.action
        subject = row.subject
        before = row.before
        after = row.after
        requestID = row.requestID
    }
}

/// One backup on its way to one caller: a piece is read when the last one has left, so a slow
/// reader costs time, not memory. Confined to its loop; the call's callbacks keep it.
private final class BackupStream {
    private let call: ServerStreamCall<BackupResponse>
    private var copy: (any StoreCopy)?
    private var isReading = false

    /// Bytes in one message.
    private static let pieceBytes = 256 << 10

    init(_ call: ServerStreamCall<BackupResponse>) { self.call = call }

    /// Asks for the copy, then sends it.
    func begin(_ host: EngineHost) {
        call.onCancel { _ in self.end() }
        call.onWritable { self.readOn() }
        host.backUp(completion: call.hop { self.made($0) })
    }

    private func made(_ result: Result<any StoreCopy, Rejection>) {
        switch result {
        case .failure(let rejection): call.fail(rejection.status)
        case .success(let copy):
            guard call.isOpen else { return copy.close() }
            self.copy = copy
            readOn()
        }
    }

    private func readOn() {
        guard let copy, !isReading, call.isOpen, call.isWritable else { return }
        isReading = true
        copy.read(upTo: Self.pieceBytes, completion: call.hop { self.got($0) })
    }

    private func got(_ result: Result<[UInt8], StoreError>) {
        isReading = false
        guard call.isOpen, let copy else { return end() }
        switch result {
        case .failure(let error):
            end()
            call.fail(Rejection.maintenance(error).status)
        case .success(let bytes) where bytes.isEmpty:
            end()
            call.finish()
        case .success(let bytes):
            var response = BackupResponse()
            response.data = bytes
            response.totalBytes = copy.byteCount
            call.send(response)
            readOn()
        }
    }

    private func end() {
        copy?.close()
        copy = nil
    }
}
