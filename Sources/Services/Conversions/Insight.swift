import Coordination
import Engine
import Messages

extension Messages.RunCause {
    init(_ cause: Engine.RunCause) {
        self.init()
        runID = cause.run.description
        step = cause.step
        kind = RunCauseKind(cause.kind)
        message = cause.message
        untilUnixMillis = cause.untilMillis
        waitsFor = cause.waitsFor
        position = Int32(clamping: cause.position)
    }
}

extension RunCauseKind {
    init(_ kind: Engine.RunCause.Kind) {
        switch kind {
        case .run: self = .run
        case .dependency: self = .dependency
        case .key: self = .key
        case .breaker: self = .breaker
        case .mode: self = .mode
        case .noAgent: self = .noAgent
        case .queue: self = .queue
        case .preparation: self = .preparation
        case .attempt: self = .attempt
        case .retry: self = .retry
        case .wait: self = .wait
        case .decision: self = .decision
        case .child: self = .child
        case .elements: self = .elements
        case .parked: self = .parked
        }
    }
}

extension Graph {
    init(_ summary: RunSummary, nowMillis: Int64) {
        self.init()
        runID = summary.id.description
        workflowID = summary.workflowID
        workflow = summary.definition
        version = summary.version
        status = Messages.RunStatus(summary.status)
        let page = summary.steps.page(maxBytes: PageBudget.sharedBytes) {
            GraphNode($0, nowMillis: nowMillis)
        }
        nodes = page.entries
        let all = Self.edges(of: summary)
        edges = all.page(maxBytes: PageBudget.sharedBytes) { $0 }.entries
        omitted = Int32(
            clamping: summary.steps.count - nodes.count + all.count - edges.count)
        progress = summary.progress
    }

    private static func edges(of summary: RunSummary) -> [GraphEdge] {
        var ends: [String: Int64] = [:]
        for step in summary.steps where step.state.hasEnded {
            ends[step.id] = step.endedMillis ?? 0
        }
        return summary.steps.flatMap { step in
            step.dependsOn.map { dependency in
                var edge = GraphEdge()
                edge.from = dependency
                edge.to = step.id
                edge.passed = ends[dependency] != nil
                edge.passedUnixMillis = ends[dependency] ?? 0
                return edge
            }
        }
    }
}

extension GraphDelta {
    /// What differs between two states of a run, in as many messages as it takes.
    static func all(
        _ summary: RunSummary, since last: RunSummary, nowMillis: Int64
    ) -> [GraphDelta] {
        var known: [String: StepSummary] = [:]
        for step in last.steps { known[step.id] = step }
        var left = summary.steps.filter { known[$0.id] != $0 }[...]
        for step in summary.steps { known[step.id] = nil }
        var gone = last.steps.map(\.id).filter { known[$0] != nil }
        var deltas: [GraphDelta] = []
        repeat {
            let page = left.page { GraphNode($0, nowMillis: nowMillis) }
            left = left.dropFirst(page.entries.count)
            var delta = GraphDelta()
            delta.runID = summary.id.description
            delta.status = Messages.RunStatus(summary.status)
            delta.progress = summary.progress
            delta.nodes = page.entries
            delta.removedSteps = gone
            gone = []
            deltas.append(delta)
        } while !left.isEmpty
        return deltas
    }
}

extension GraphNode {
    init(_ step: StepSummary, nowMillis: Int64) {
        self.init()
        self.step = StepRun(step)
        if let began = step.startedMillis {
            durationMillis = max(0, (step.endedMillis ?? nowMillis) - began)
        }
    }
}

extension RunSummary {
    /// Share of the definition's steps that have ended; 1 without steps. Those that come and go with
    /// a list or a compensation would let it fall back.
    fileprivate var progress: Double {
        if ownSteps == 0 { return 1 }
        return Double(steps.prefix(ownSteps).count { $0.state.hasEnded }) / Double(ownSteps)
    }
}

extension KeyStatus {
    init(_ view: KeyView) {
        self.init()
        key = view.name
        holderCount = Int32(clamping: view.holderCount)
        holders = view.holders.map(KeyUser.init)
        waiterCount = Int32(clamping: view.waiterCount)
        waiters = view.waiters.map(KeyUser.init)
        nextBeginUnixMillis = view.nextBeginMillis
        pause = view.pause.map(Messages.KeyPause.init)
    }
}

extension KeyUser {
    init(_ origin: StepOrigin) {
        self.init()
        runID = origin.run.description
        step = origin.step
    }
}

extension Messages.KeyPause {
    init(_ pause: Coordination.KeyPause) {
        self.init()
        untilUnixMillis = pause.untilMillis
        sinceUnixMillis = pause.sinceMillis
        reason = pause.reason
        actor = pause.actor
    }
}
