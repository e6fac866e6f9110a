import Coordination

/// Runs that go on as new ones: the end of the one and the begin of the other are one change.
extension CoordinationEngine {
    /// The input of a `continue_as_new` step is known.
    mutating func successorInputReady(
        _ run: Int32, _ step: Int, _ input: PayloadID, newBytes: Int
    ) {
        let state = runs[run].machine.state
        if case .continueAsNew(let spec) = state.plan.steps[step].definition.kind,
            definition(spec, after: state) == nil
        {
            return partFailed(run, step, .noWorkflow(spec.workflow))
        }
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.successorInputReady(step, input, newBytes: newBytes, at: at, into: &out)
        }
    }

    /// Every step has ended: gathers what the successor gets, which belongs to the run as it is.
    mutating func prepareSuccessor(of run: Int32) {
        let state = runs[run].machine.state
        guard let continuation = state.continuation else { return }
        let ids = [continuation.input] + state.extra.value.signals.map(\.payload)
        var loaded: [PayloadID: Payload] = [:]
        for id in ids { loaded[id] = payloads[id] }
        if loaded.count == Set(ids).count { return proceed(run, ids.compactMap { loaded[$0] }) }
        ready.preparations.append(
            Preparation(
                purpose: .successor(state.id, ids), recipe: .whole(continuation.input),
                loaded: loaded, missing: ids.filter { loaded[$0] == nil }))
    }

    /// What the successor gets has been loaded; signals that came meanwhile are not among it.
    mutating func successorPrepared(_ id: RunID, _ result: Result<[Payload], StepFailure>) {
        guard let run = runIndex[id], runs[run].machine.isFinishing else { return }
        switch result {
        case .failure: resultPrepared(run, result)
        case .success(var made):
            let signals = runs[run].machine.state.extra.value.signals
            for signal in signals.dropFirst(made.count - 1) {
                guard let payload = payloads[signal.payload] else {
                    return prepareSuccessor(of: run)
                }
                made.append(payload)
            }
            proceed(run, made)
        }
    }

    /// The successor takes the run's place: before its workflow id, those that wait for it, its
    /// parent and its schedule.
    ///
    /// - Parameter given: the successor's input, then the payloads of the signals that no step of
    ///   the run has taken.
    private mutating func proceed(_ run: Int32, _ given: [Payload]) {
        let state = runs[run].machine.state
        guard let spec = state.continuation?.spec, let input = given.first else { return }
        guard let definition = definition(spec, after: state) else {
            return resultPrepared(run, .failure(.noWorkflow(spec.workflow)))
        }
        let extra = state.extra.value
        let id = begin(
            NewRun(
                namespace: state.namespace, workflowID: state.workflowID, input: input,
                parent: extra.parent, root: root(of: run), depth: extra.depth,
                attributes: extra.attributes, predecessor: state.id,
                trace: extra.trace), definition)
        if let successor = runIndex[id] {
            runs[successor].followers = runs[run].followers
            runs[run].followers = []
            for (signal, payload) in zip(extra.signals, given.dropFirst()) {
                _ = signalRun(successor, RunSignal(name: signal.name, payload: payload))
            }
        }
        scheduledRunContinued(state.id, as: id)
        tellParent(state, continuedAs: id)
        let at = now.wallMillis
        change(run) { machine, out, _ in machine.continued(as: id, at: at, into: &out) }
    }

    private mutating func definition(_ spec: ContinueSpec, after state: RunState)
        -> DefinitionEntry?
    {
        if spec.version == .keep {
            return DefinitionEntry(plan: state.plan, planID: state.planID)
        }
        let name = spec.workflow.isEmpty ? state.plan.definition.name : spec.workflow
        return definitions[ScopedName(namespace: state.namespace, name: name)]
    }

    /// The parent's step waits for the successor now.
    private mutating func tellParent(_ state: RunState, continuedAs id: RunID) {
        guard let parent = state.extra.value.parent, let above = runIndex[parent.run],
            runs[above].machine.childContinued(parent.step, state.id, as: id)
        else { return }
        markDirty(above)
    }
}
