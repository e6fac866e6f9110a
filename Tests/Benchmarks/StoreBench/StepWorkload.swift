import Coordination
import Store

/// The rows that steps of runs commit, as the engine would make them: 256 live runs of three steps
/// each, a new run for each that has ended. `store_raw.c` writes the same.
struct StepWorkload {
    private static let liveRuns = 256
    private static let stepsPerRun = 3

    private struct LiveRun {
        var id = RunID(serial: Serial(rawValue: 0))
        /// 0 before the first.
        var steps = 0
    }

    private var live = [LiveRun](repeating: LiveRun(), count: liveRuns)
    private var next = 0
    private var lastRun: UInt64
    private var lastPayload: UInt64
    private let payload = Payload(bytes: [UInt8](repeating: 0x70, count: 200))
    private let history = [UInt8](repeating: 0x68, count: 120)
    private let state = [UInt8](repeating: 0x72, count: 100)

    /// Ids begin with the epoch, so that they ascend over restarts.
    init(epoch: Epoch) {
        lastRun = Serial(epoch: epoch, counter: 0).rawValue
        lastPayload = lastRun
    }

    /// Adds one step: its output, the events it added, and the run's new state.
    mutating func addStep(to batch: inout StoreBatch) {
        let place = next % Self.liveRuns
        next += 1
        if live[place].steps == 0 || live[place].steps == Self.stepsPerRun {
            lastRun += 1
            live[place] = LiveRun(id: RunID(serial: Serial(rawValue: lastRun)))
        }
        live[place].steps += 1
        let (run, steps) = (live[place].id, live[place].steps)
        let isLast = steps == Self.stepsPerRun
        lastPayload += 1
        batch.payloads.append(
            PayloadRow(
                id: PayloadID(serial: Serial(rawValue: lastPayload)), run: run, payload: payload))
        batch.runs.append(
            RunRow(
                run: run, namespace: "default",
                workflowID: "order-\(run.serial.rawValue & 0xffff_ffff)", definition: "checkout",
                status: isLast ? 2 : 1, startedMillis: 1_700_000_000_000,
                closedMillis: isLast ? 1_700_000_000_999 : nil, blob: state))
        batch.history.append(
            HistoryRow(run: run, firstSequence: Int64(steps * 3 - 2), count: 3, blob: history))
    }
}
