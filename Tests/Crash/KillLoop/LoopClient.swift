import GRPC
import Messages
import Stubs

/// One client: starts runs, signals them, sometimes waits for one or reads its history, until the
/// server is gone. What it was told goes to the oracle.
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
            do {
                if let fault = try await once(number) { return fault }
            } catch {
                let isGone = error.code == .unavailable || error.code == .cancelled
                return isGone ? nil : "\(name): \(error)"
            }
        }
        return nil
    }

    private func once(_ number: Int) async throws(GRPCStatus) -> String? {
        if let signal = await oracle.takeDoubtfulSignal() { try await send(signal) }
        let doubtful = await oracle.takeDoubtfulStart()
        let request = doubtful ?? "\(name)-\(number)"
        let run = try await start(request)
        if let fault = await oracle.started(request, run) { return fault }
        // The run waits for the first and for none of the others, which are kept.
        try await send(Oracle.Signal(run: run, name: LoopWorkflow.signal))
        if number.isMultiple(of: 2) {
            try await send(Oracle.Signal(run: run, name: "\(request)-note"))
        }
        if number.isMultiple(of: 3) { try await finish(run) }
        if number.isMultiple(of: 4) { try await look(run) }
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
            await oracle.unanswered(start: id)
            throw error
        }
    }

    /// Signals a run; should the answer not come, that stays in doubt. A run that has ended
    /// meanwhile takes no signal, and says so.
    private func send(_ signal: Oracle.Signal) async throws(GRPCStatus) {
        do throws(GRPCStatus) {
            try await workflows.signal(signal)
            await oracle.signalled(signal)
        } catch {
            if error.code == .failedPrecondition { return }
            await oracle.unanswered(signal: signal)
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
    /// Signals a run, under a request id of its own.
    func signal(_ signal: Oracle.Signal) async throws(GRPCStatus) {
        let request = SignalRunRequest(
            run: RunReference(by: .runID(signal.run)), signal: signal.name,
            requestID: "\(signal.run)-\(signal.name)")
        _ = try await signalRun(request, options: .bounded)
    }

    /// All events of a run; those of the loop fit on one page.
    func wholeHistory(of run: String) async throws(GRPCStatus) -> [HistoryEvent] {
        let request = GetHistoryRequest(run: RunReference(by: .runID(run)))
        return try await getHistory(request, options: .bounded).events
    }
}
