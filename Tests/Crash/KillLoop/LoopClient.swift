import GRPC
import Messages
import Stubs

/// One client: starts runs, sometimes waits for one or reads its history, until the server is gone.
/// What it was told goes to the oracle.
struct LoopClient {
    let workflows: WorkflowServiceClient
    let oracle: Oracle
    /// Begins every request id of this client.
    let name: String

    /// Works until a call fails.
    ///
    /// - Returns: a promise that an answer broke; `nil` when none did.
    func work() async -> String? {
        var number = 0
        while !Task.isCancelled {
            number += 1
            let doubtful = await oracle.takeDoubtful()
            let request = doubtful ?? "\(name)-\(number)"
            do {
                let run = try await start(request)
                if let fault = await oracle.started(request, run) { return fault }
                if number.isMultiple(of: 3) { try await finish(run) }
                if number.isMultiple(of: 4) { try await look(run) }
            } catch {
                return nil
            }
        }
        return nil
    }

    /// Starts a run; should the answer not come, it stays in doubt.
    private func start(_ id: String) async throws(GRPCStatus) -> String {
        let request = StartRunRequest(
            workflow: LoopWorkflow.name, workflowID: id,
            input: Payload(data: Array(#"{"millis": 8}"#.utf8)), requestID: id)
        do throws(GRPCStatus) {
            return try await workflows.startRun(request, options: .bounded).runID
        } catch {
            await oracle.unanswered(id)
            throw error
        }
    }

    private func finish(_ run: String) async throws(GRPCStatus) {
        let request = AwaitRunRequest(run: RunReference(by: .runID(run)))
        let response = try await workflows.awaitRun(request, options: .bounded)
        await oracle.ended(run, response.result?.data ?? [])
    }

    private func look(_ run: String) async throws(GRPCStatus) {
        await oracle.read(run, try await workflows.wholeHistory(of: run))
    }
}

extension CallOptions {
    /// No call of the loop waits longer.
    static var bounded: CallOptions { CallOptions(timeout: .seconds(30)) }
}

extension WorkflowServiceClient {
    /// All events of a run; those of the loop fit on one page.
    func wholeHistory(of run: String) async throws(GRPCStatus) -> [HistoryEvent] {
        let request = GetHistoryRequest(run: RunReference(by: .runID(run)))
        return try await getHistory(request, options: .bounded).events
    }
}
