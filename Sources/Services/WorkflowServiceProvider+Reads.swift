import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// The reads of committed state: they go to the store's reader connections, not through the
/// engine.
extension WorkflowServiceProvider {
    /// See `ListRuns` in the proto.
    public func listRuns(_ request: ListRunsRequest, _ call: UnaryCall<ListRunsResponse>) {
        guard let namespace = call.namespace(), let page = RequestedRuns(request, call)
        else { return }
        let answer = call.hop { (result: Result<Engine.RunPage, Rejection>) in
            switch result {
            case .failure(let rejection): call.fail(rejection.status)
            case .success(let found): call.respond(page.response(found))
            }
        }
        host.runs(
            namespace: namespace, definition: page.definition, openOnly: request.openOnly,
            filter: page.filter, before: page.before, limit: page.size, completion: answer)
    }

    /// How many runs fit a filter, by status.
    public func countRuns(_ request: CountRunsRequest, _ call: UnaryCall<CountRunsResponse>) {
        guard let namespace = call.namespace() else { return }
        let filter: RunFilter?
        do throws(RunFilter.ParseFailure) {
            filter = try RunFilter.parse(request.filter)
        } catch {
            return call.fail(.bad("filter", Excerpt(error.message, maxBytes: 300).description))
        }
        let answer = call.hop { (result: Result<RunCounts, Rejection>) in
            switch result {
            case .failure(let rejection): call.fail(rejection.status)
            case .success(let counts):
                let statuses = counts.byStatus.sorted { $0.key.rawValue < $1.key.rawValue }
                call.respond(
                    CountRunsResponse(
                        counts: statuses.map { status, count in
                            RunStatusCount(status: Messages.RunStatus(status), count: count)
                        }, complete: counts.isComplete))
            }
        }
        host.countRuns(namespace: namespace, filter: filter, completion: answer)
    }

    /// See `GetHistory` in the proto.
    public func getHistory(_ request: GetHistoryRequest, _ call: UnaryCall<GetHistoryResponse>) {
        guard let page = HistoryPage(request, call), let reference = reference(request.run, call)
        else { return }
        let link = links.link(on: call.eventLoop)
        // The engine's answer waits for what it saw to be on disk, so the read below is at least
        // as new as anything this caller has been told.
        let ticket = link.ask({ .getRun(reference, $0) }) { answer in
            guard case .run(let summary, _) = answer else { return call.fail(answer.refusal) }
            readHistory(of: summary.id, page, call)
        }
        call.onCancel { _ in link.abandon(ticket) }
    }

    private func readHistory(
        of run: RunID, _ page: HistoryPage, _ call: UnaryCall<GetHistoryResponse>
    ) {
        let answer = call.hop { (result: Result<[Coordination.HistoryEvent], Rejection>) in
            switch result {
            case .failure(let rejection): call.fail(rejection.status)
            case .success(let events): finish(events, page, call)
            }
        }
        host.history(
            run: run, from: page.from, limit: page.size + 1, completion: answer)
    }

    private func finish(
        _ events: [Coordination.HistoryEvent], _ page: HistoryPage,
        _ call: UnaryCall<GetHistoryResponse>
    ) {
        let filling = HistoryFilling(
            events, size: page.size, includesPayloads: page.includesPayloads)
        fill(filling, call)
    }

    /// Loads payloads a few at a time until the page is full: a whole page of them may be far more
    /// than one response may hold.
    private func fill(_ filling: HistoryFilling, _ call: UnaryCall<GetHistoryResponse>) {
        guard call.isOpen else { return }
        let batch = filling.nextBatch()
        if batch.events.isEmpty { return call.respond(filling.response) }
        let answer = call.hop { (result: Result<[PayloadID: Coordination.Payload], Rejection>) in
            switch result {
            case .failure(let rejection): call.fail(rejection.status)
            case .success(let payloads):
                filling.add(batch.events, payloads)
                fill(filling, call)
            }
        }
        host.payloads(batch.payloads, completion: answer)
    }
}

/// A page of ListRuns. The token is the last run id of the page before.
private struct RequestedRuns {
    let definition: String?
    let filter: RunFilter?
    let before: RunID?
    let size: Int

    /// Reads it off the wire; refuses the call and gives `nil` when it is wrong.
    init?(_ request: ListRunsRequest, _ call: UnaryCall<ListRunsResponse>) {
        var faults = FieldFaults()
        faults.check(
            (0...1_000).contains(request.pageSize), "page_size",
            "is \(request.pageSize); 1 to 1000, 0 for the default of 100")
        let token = request.pageToken
        faults.check(
            token.isEmpty || RunID(token) != nil, "page_token",
            "is not one that this server made; begin with an empty one")
        faults.check(request.workflow.utf8.count <= 256, "workflow", "is over 256 bytes")
        var filter: RunFilter?
        do throws(RunFilter.ParseFailure) {
            filter = try RunFilter.parse(request.filter)
        } catch {
            faults.check(false, "filter", Excerpt(error.message, maxBytes: 300).description)
        }
        self.filter = filter
        if let status = faults.status {
            call.fail(status)
            return nil
        }
        definition = request.workflow.isEmpty ? nil : request.workflow
        before = RunID(token)
        size = request.pageSize == 0 ? 100 : Int(request.pageSize)
    }

    /// What did not fit into one answer is left for the next page.
    func response(_ page: Engine.RunPage) -> ListRunsResponse {
        var response = ListRunsResponse()
        var budget = PageBudget()
        for summary in page.runs {
            let run = Run(summary)
            guard budget.take(run) else { break }
            response.runs.append(run)
        }
        if page.runs.count > response.runs.count {
            response.nextPageToken = response.runs.last?.runID ?? ""
        } else {
            response.nextPageToken = page.next?.description ?? ""
        }
        return response
    }
}

/// A page of GetHistory.
private struct HistoryPage {
    let from: Int64
    let size: Int
    let includesPayloads: Bool

    /// Reads it off the wire; refuses the call and gives `nil` when it is wrong.
    init?(_ request: GetHistoryRequest, _ call: UnaryCall<GetHistoryResponse>) {
        var faults = FieldFaults()
        faults.check(
            (0...10_000).contains(request.pageSize), "page_size",
            "is \(request.pageSize); 1 to 10000, 0 for the default of 1000")
        faults.check(
            request.fromSequence >= 0, "from_sequence",
            "is \(request.fromSequence); sequences start at 1")
        if let status = faults.status {
            call.fail(status)
            return nil
        }
        from = max(1, request.fromSequence)
        size = request.pageSize == 0 ? 1_000 : Int(request.pageSize)
        includesPayloads = request.includePayloads
    }
}
