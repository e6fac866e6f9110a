import GRPC
import Messages
import Stubs

/// Holds what the server says after the last kill against what clients were told before.
struct LoopCheck {
    let workflows: WorkflowServiceClient
    let oracle: Oracle

    func run(_ verdict: inout Verdict) async throws {
        let starts = await oracle.starts
        let (results, histories) = await (oracle.results, oracle.histories)
        let signals = Dictionary(grouping: await oracle.signals, by: \.run)
        verdict.acknowledgedStarts = starts.count
        verdict.acknowledgedSignals = await oracle.signals.count
        verdict.acknowledgedResults = results.count
        for (request, run) in starts.sorted(by: { $0.key < $1.key }) {
            do {
                let names = (signals[run] ?? []).map(\.name)
                if !names.contains(LoopWorkflow.signal) { try await release(run) }
                let fault = try await fault(
                    of: run, result: results[run], signals: names, before: histories[run])
                if let fault { verdict.faults.append("run \(run) (\(request)): \(fault)") }
                verdict.completed += 1
            } catch {
                verdict.faults.append("run \(run) (\(request)): \(error)")
            }
        }
        verdict.faults += try await startedTwice(starts)
    }

    private func fault(
        of run: String, result: [UInt8]?, signals: [String], before: [HistoryEvent]?
    ) async throws -> String? {
        let request = AwaitRunRequest(run: RunReference(by: .runID(run)))
        let ended = try await workflows.awaitRun(request, options: .bounded)
        guard ended.run?.status == .completed else {
            return "ended as \(ended.run?.status ?? .unspecified)"
        }
        if let result, result != ended.result?.data { return "its acknowledged result changed" }
        let events = try await workflows.wholeHistory(of: run)
        if let before, Array(events.prefix(before.count)) != before {
            return "history that was read before a kill changed"
        }
        return HistoryCheck.fault(in: events)
            ?? HistoryCheck.fault(in: events, acknowledged: signals)
    }

    /// Sends the signal that the run still waits for: the client's was never acknowledged.
    private func release(_ run: String) async throws(GRPCStatus) {
        do throws(GRPCStatus) {
            try await workflows.signal(Oracle.Signal(run: run, name: LoopWorkflow.signal))
        } catch {
            guard error.code == .failedPrecondition else { throw error }
        }
    }

    /// However often a start was repeated, there is one run; and it is the acknowledged one.
    private func startedTwice(_ starts: [String: String]) async throws -> [String] {
        var found: [String: String] = [:]
        var faults: [String] = []
        var request = ListRunsRequest(workflow: LoopWorkflow.name, pageSize: 1_000)
        repeat {
            let page = try await workflows.listRuns(request, options: .bounded)
            for run in page.runs {
                if let other = found.updateValue(run.runID, forKey: run.workflowID) {
                    faults.append("\(run.workflowID) was started as \(other) and as \(run.runID)")
                }
            }
            request.pageToken = page.nextPageToken
        } while !request.pageToken.isEmpty
        for (request, run) in starts where found[request] != run {
            faults.append(
                "\(request) was acknowledged as \(run), listed is \(found[request] ?? "none")")
        }
        return faults
    }
}
