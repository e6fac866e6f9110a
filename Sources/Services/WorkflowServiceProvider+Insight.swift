import Coordination
import Engine
import GRPC
import Messages
import Stubs
import Threads

/// Why runs stand where they stand, and how they look as graphs.
extension WorkflowServiceProvider {
    /// See `ExplainRun` in the proto.
    public func explainRun(
        _ request: ExplainRunRequest, _ call: UnaryCall<ExplainRunResponse>
    ) {
        guard let reference = reference(request.run, call) else { return }
        ask(call, { .insight(.explain(reference), $0) }) { answer in
            guard case .insight(.explained(let summary, let causes)) = answer else { return nil }
            var response = ExplainRunResponse()
            response.run = Run(summary)
            response.causes =
                causes.page(maxBytes: PageBudget.sharedBytes, Messages.RunCause.init).entries
            return response
        }
    }

    /// See `GetGraph` in the proto.
    public func getGraph(_ request: GetGraphRequest, _ call: UnaryCall<GetGraphResponse>) {
        guard let reference = reference(request.run, call) else { return }
        ask(call, { .insight(.graph(reference), $0) }) { answer in
            guard case .insight(.graph(let summary, let sequence)) = answer else { return nil }
            var response = GetGraphResponse()
            response.graph = Graph(summary, nowMillis: SystemClock.wallMillis())
            response.sequence = sequence
            return response
        }
    }

    /// See `WatchGraphs` in the proto.
    public func watchGraphs(
        _ request: WatchGraphsRequest, _ call: ServerStreamCall<WatchGraphsResponse>
    ) {
        do throws(GRPCStatus) {
            let namespace = try call.metadata.namespace()
            var faults = FieldFaults()
            faults.check(
                request.afterSequence >= 0, "after_sequence", "is negative; 0 is from now on")
            faults.check(
                request.runIDs.count <= 100, "run_ids",
                "are \(request.runIDs.count); watch at most 100, or all with none")
            var runs: Set<RunID> = []
            for (index, text) in request.runIDs.prefix(100).enumerated() {
                let id = RunID(text)
                faults.check(id != nil, "run_ids[\(index)]", "is no run id")
                if let id { runs.insert(id) }
            }
            if let status = faults.status { throw status }
            let watch = WatchGraphs(
                namespace: namespace, runs: runs,
                after: request.afterSequence == 0 ? nil : request.afterSequence)
            GraphWatch(link: links.link(on: call.eventLoop), call: call).begin(watch)
        } catch {
            call.fail(error)
        }
    }

    // MARK: Keys

    /// See `PauseKey` in the proto.
    public func pauseKey(_ request: PauseKeyRequest, _ call: UnaryCall<PauseKeyResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.key, "key")
        let latest = SystemClock.wallMillis() + Self.longestPause
        faults.check(
            (0...latest).contains(request.untilUnixMillis), "until_unix_millis",
            "is \(request.untilUnixMillis); give 0 to let it go on, or a time within 366 days")
        faults.checkSignature(
            actor: request.actor, reason: request.reason, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let order = Engine.PauseKey(
            name: KeyName(namespace: namespace, name: request.key),
            untilMillis: request.untilUnixMillis,
            signature: call.signature(
                actor: request.actor, reason: request.reason, requestID: request.requestID))
        ask(call, { .keys(.pause(order), $0) }) { answer in
            guard case .keys(.paused(let view)) = answer else { return nil }
            var response = PauseKeyResponse()
            response.key = KeyStatus(view)
            return response
        }
    }

    /// See `ListKeys` in the proto.
    public func listKeys(_ request: ListKeysRequest, _ call: UnaryCall<ListKeysResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.check(
            (0...1_000).contains(request.pageSize), "page_size", "must be 0 to 1,000")
        faults.check(request.pageToken.utf8.count <= 256, "page_token", "is over 256 bytes")
        if let status = faults.status { return call.fail(status) }
        let size = request.pageSize == 0 ? 100 : Int(request.pageSize)
        let after = request.pageToken.isEmpty ? nil : request.pageToken
        ask(call, { .keys(.list(namespace, after: after, limit: size), $0) }) { answer in
            guard case .keys(.list(let views, let more)) = answer else { return nil }
            var response = ListKeysResponse()
            var budget = PageBudget()
            for view in views {
                let status = KeyStatus(view)
                guard budget.take(status) else { break }
                response.keys.append(status)
            }
            if more || response.keys.count < views.count {
                response.nextPageToken = response.keys.last?.key ?? ""
            }
            return response
        }
    }

    private static let longestPause: Int64 = 366 * 86_400_000
}
