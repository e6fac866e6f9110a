import Coordination
import Store
import Threads

/// What the shell keeps for its engine between two turns: everything that only the holder of the
/// token may touch.
final class EngineCore: @unchecked Sendable {
    // `@unchecked Sendable` is true because `EngineHost` touches it only while it holds the
    // engine's token, and `TokenGate` orders one holder after the other.

    /// What a turn leaves to be done outside the engine.
    struct Work {
        var output = TurnOutput()
        var commits: [StoreBatch] = []
        /// When the timer must wake the engine, if that has changed.
        var wakeAtNanos: Int64?
    }

    /// Refilled from the mailboxes before each turn.
    var commands: [Command] = []
    var events: [HostEvent] = []
    /// Commands that came while the last turn ran; for the snapshot.
    var mailboxLength: Int {
        get { engine.mailboxLength }
        set { engine.mailboxLength = newValue }
    }

    private var engine: CoordinationEngine
    private let configuration: EngineConfiguration
    private let observer: any EngineObserver
    private let onFatal: @Sendable (String) -> Void
    private var random: UInt64
    private var wakeAtNanos = Int64.max
    private var inFlight: (batch: StoreBatch, commands: Int, sinceNanos: Int64)?
    /// When the batch in flight, which found the disk full, is tried again.
    private var retryAtNanos: Int64?
    /// Set for good when the store cannot be trusted any more.
    private var fatal: Rejection?
    private var drains: [Drain] = []
    /// Set for good when nobody is to wait for a drain any more.
    private var drainsEnd = false
    private var reportedOpenRuns = -1

    init(
        engine: CoordinationEngine, configuration: EngineConfiguration,
        observer: any EngineObserver, onFatal: @escaping @Sendable (String) -> Void
    ) {
        self.engine = engine
        self.configuration = configuration
        self.observer = observer
        self.onFatal = onFatal
        random = UInt64.random(in: .min ... .max)
    }

    /// Decides everything that waits.
    ///
    /// - Parameter isLowOnSpace: whether the store wants no new work.
    func turn(_ time: EngineTime, isLowOnSpace: Bool) -> Work {
        var work = Work()
        engine.isLowOnSpace = isLowOnSpace
        for event in events { take(event, time, &work) }
        if let fatal {
            work.output.replies += commands.compactMap(\.ticket).map {
                Reply($0, .rejected(fatal))
            }
            commands.removeAll(keepingCapacity: true)
            finishDrains(time)
            return work
        }
        engine.submit(contentsOf: commands)
        commands = []
        decide(time, &work)
        retryIfDue(time, &work)
        report(work.output)
        finishDrains(time)
        work.wakeAtNanos = nextWake(time)
        return work
    }

    private func take(_ event: HostEvent, _ time: EngineTime, _ work: inout Work) {
        switch event {
        case .tick: wakeAtNanos = .max
        case .goingDown: engine.beginDraining()
        case .drain(let drain):
            engine.beginDraining()
            drains.append(drain)
        case .drainsEnd: drainsEnd = true
        case .committed(let number, let outcome): committed(number, outcome, time, &work)
        }
    }

    /// Turns until nothing is left that could be done now: small payloads are made between two
    /// turns, so that a step's end and the next one's start share a batch.
    private func decide(_ time: EngineTime, _ work: inout Work) {
        repeat {
            random &+= 0x9e37_79b9_7f4a_7c15
            let output = engine.turn(time, random: random)
            work.add(output) {
                self.prepareInline($0)
            } event: {
                self.prepareInline($0)
            }
            if !engine.hasInput, let batch = engine.seal() { begin(batch, time, &work) }
        } while engine.hasWork(atNanos: time.monotonicNanos)
    }

    /// Makes a small payload at once; `false`: it needs a preparation thread.
    private func prepareInline(_ preparation: Preparation) -> Bool {
        guard preparation.missing.isEmpty else { return false }
        let bytes = preparation.loaded.values.reduce(preparation.task?.bytes ?? 0) {
            $0 + $1.bytes.count
        }
        guard bytes <= configuration.limits.maxInlineBytes,
            preparation.recipe.workBytes(preparation.loaded)
                <= configuration.limits.maxInlineWorkBytes
        else { return false }
        engine.submit(.prepared(Preparer.render(preparation)))
        return true
    }

    /// Makes a few publications ready at once; `false`: it needs another thread.
    private func prepareInline(_ work: EventWork) -> Bool {
        guard case .given(let publications, let through) = work.source,
            let bytes = work.bytesAtHand, bytes <= configuration.limits.maxInlineBytes
        else { return false }
        engine.submit(.eventsPrepared(work.outcome(publications, through: through)))
        return true
    }

    // MARK: Commits

    private func begin(_ batch: StoreBatch, _ time: EngineTime, _ work: inout Work) {
        inFlight = (batch, engine.sealedCommands, time.monotonicNanos)
        work.commits.append(batch)
    }

    private func committed(
        _ number: BatchNumber, _ outcome: CommitOutcome, _ time: EngineTime, _ work: inout Work
    ) {
        guard fatal == nil else { return }
        switch outcome {
        case .committed:
            if let inFlight {
                observer.batchCommitted(
                    commands: inFlight.commands, rows: inFlight.batch.rowCount,
                    seconds: Double(time.monotonicNanos - inFlight.sinceNanos) / 1e9)
            }
            inFlight = nil
            work.add(engine.batchCommitted(number, at: time)) {
                self.prepareInline($0)
            } event: {
                self.prepareInline($0)
            }
        case .full:
            engine.diskFilled()
            retryAtNanos = time.monotonicNanos + configuration.fullRetryMillis * 1_000_000
        case .fenced:
            die("another server has claimed this data; this one stops", &work)
        case .unknown(let reason):
            die("the store does not know whether a commit took place (\(reason))", &work)
        }
    }

    private func retryIfDue(_ time: EngineTime, _ work: inout Work) {
        guard let due = retryAtNanos, due <= time.monotonicNanos, let inFlight else { return }
        retryAtNanos = nil
        work.commits.append(inFlight.batch)
    }

    /// Nothing that is held may leave any more. Callers repeat with their request ids after the
    /// restart, which reads from the store what really happened.
    private func die(_ reason: String, _ work: inout Work) {
        let rejection = Rejection(
            .unavailable, reason: "STORE_FAILED",
            "\(reason); repeat the call with the same request_id after the restart")
        fatal = rejection
        work.output.replies += engine.abandonAll(rejection)
        onFatal(reason)
    }

    // MARK: After a turn

    private func report(_ output: TurnOutput) {
        for notice in output.notices {
            switch notice {
            case .workflowStarted(let definition):
                observer.workflowStarted(definition: definition)
            case .workflowRecovered(let definition):
                observer.workflowRecovered(definition: definition)
            case .workflowClosed(let definition, let status, let millis):
                observer.workflowClosed(
                    definition: definition, status: status, seconds: Double(millis) / 1e3)
            case .agentBusy(let type, let nanos):
                observer.agentBusy(type: type, seconds: Double(nanos) / 1e9)
            case .rejected(let reason): observer.rejected(reason: reason)
            case .staleResult: observer.staleResult()
            case .triggerSkipped(let definition, let reason):
                observer.triggerSkipped(definition: definition, reason: reason)
            case .published(let count): observer.published(count: count)
            case .event(let notice): observer.noted(notice)
            case .guarding(let notice): observer.noted(notice)
            case .pool(let notice): observer.noted(notice)
            case .ballot(let notice): observer.noted(notice)
            case .items(let notice): observer.noted(notice)
            case .memory(let notice): observer.noted(notice)
            case .locks(let notice): observer.noted(notice)
            }
        }
        if engine.openRunCount != reportedOpenRuns {
            reportedOpenRuns = engine.openRunCount
            observer.openRuns(reportedOpenRuns)
        }
    }

    private func finishDrains(_ time: EngineTime) {
        if drains.isEmpty { return }
        let isQuiet =
            engine.isQuiet && engine.openInvokeCount == 0 && engine.openItemCount == 0
        let hasSteps = isQuiet && engine.localStepCount > 0
        let hasCallers = isQuiet && engine.openAwaitCount > 0
        var left: [Drain] = []
        for drain in drains {
            let isHeld = drain.awaitsSteps ? hasSteps : hasCallers
            let isDone = fatal != nil || drainsEnd || isQuiet && !isHeld
            if isDone || drain.deadlineNanos <= time.monotonicNanos {
                drain.continuation.resume()
            } else {
                left.append(drain)
            }
        }
        drains = left
    }

    /// The timer is moved only when it would ring too late: a wake-up too early costs one empty
    /// turn, moving it on every command would cost more.
    private func nextWake(_ time: EngineTime) -> Int64? {
        var next = engine.nextDeadlineNanos ?? .max
        if let retryAtNanos { next = min(next, retryAtNanos) }
        for drain in drains { next = min(next, drain.deadlineNanos) }
        if next == .max || next >= wakeAtNanos { return nil }
        wakeAtNanos = next
        return next
    }
}

extension EngineCore.Work {
    /// Adds what a turn gave; preparations that `prepare` does not take stay in the output.
    mutating func add(
        _ turn: TurnOutput, prepare: (Preparation) -> Bool, event: (EventWork) -> Bool
    ) {
        if output.replies.isEmpty {
            output.replies = turn.replies
        } else {
            output.replies += turn.replies
        }
        if output.ports.isEmpty {
            output.ports = turn.ports
        } else {
            for entry in turn.ports {
                output[entry.port.rawValue].dispatches += entry.dispatches
                output[entry.port.rawValue].cancels += entry.cancels
                output[entry.port.rawValue].notices += entry.notices
                output[entry.port.rawValue].orders += entry.orders
            }
        }
        for preparation in turn.preparations where !prepare(preparation) {
            output.preparations.append(preparation)
        }
        output.modeChanges += turn.modeChanges
        output.lookups += turn.lookups
        for work in turn.eventWork where !event(work) { output.eventWork.append(work) }
        output.notices += turn.notices
    }
}
