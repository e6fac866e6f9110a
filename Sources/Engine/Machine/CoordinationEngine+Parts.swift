import Coordination

/// Steps that no agent works on by itself: events, child runs, lists.
extension CoordinationEngine {
    /// The step's input is taken as it is, or made outside.
    mutating func startPart(_ run: Int32, _ step: Int) {
        let state = runs[run].machine.state
        let recipe = state.inputRecipe(of: step)
        let place = StepPlace(run: state.id, step: step)
        let attempt = state.steps[step].attempt
        if case .fanOut = state.plan.steps[step].definition.kind {
            return ask(recipe, for: .elements(place, attempt: attempt))
        }
        if case .whole(let id) = recipe {
            if case .continueAsNew = state.plan.steps[step].definition.kind {
                return successorInputReady(run, step, id, newBytes: 0)
            }
            if let payload = payloads[id] { return partReady(run, step, payload) }
        }
        ask(recipe, for: .partInput(place, attempt: attempt))
    }

    /// The run in memory and step that a preparation was made for, if it still waits for it.
    mutating func scheduled(_ place: StepPlace, attempt: Int) -> Int32? {
        guard let run = runIndex[place.run], runs[run].machine.state.status != .paused,
            runs[run].machine.isScheduled(place.step, attempt: attempt)
        else { return nil }
        return run
    }

    mutating func partPrepared(
        _ place: StepPlace, attempt: Int, _ result: Result<[Payload], StepFailure>, isList: Bool
    ) {
        guard let run = scheduled(place, attempt: attempt) else { return }
        switch result {
        case .failure(let failure): partFailed(run, place.step, failure)
        case .success(let made) where isList: listReady(run, place.step, made)
        case .success(let made):
            if let payload = made.first { partReady(run, place.step, payload) }
        }
    }

    mutating func partFailed(_ run: Int32, _ step: Int, _ failure: StepFailure) {
        waitsForNobody(run, step)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.startFailed(step, failure, at: at, into: &out)
        }
    }

    private mutating func partReady(_ run: Int32, _ step: Int, _ input: Payload) {
        switch runs[run].machine.state.plan.steps[step].definition.kind {
        case .publish(let eventType): publish(run, step, eventType, input)
        case .child(let spec): startChild(run, step, spec, input)
        case .continueAsNew:
            let id = newPayload(input, run: runs[run].machine.state.id)
            successorInputReady(run, step, id, newBytes: input.bytes.count)
        case .ballot(let spec): putToBallot(run, step, spec, input)
        case .invoke, .wait, .approval, .fanOut: break
        }
    }

    private mutating func listReady(_ run: Int32, _ step: Int, _ elements: [Payload]) {
        let bytes = elements.reduce(0) { $0 + $1.bytes.count }
        let id = runs[run].machine.state.id
        let ids = elements.map { newPayload($0, run: id) }
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.listed(step, ids, bytes: bytes, at: at, into: &out)
        }
    }

    // MARK: Events

    /// The event and all that it starts or feeds are one change.
    private mutating func publish(
        _ run: Int32, _ step: Int, _ eventType: String, _ payload: Payload
    ) {
        let state = runs[run].machine.state
        let receivers = router.receivers(of: eventType, in: state.namespace)
        let depth = state.extra.value.depth + 1
        let triggered = depth <= limits.run.maxDepth ? receivers.definitions : []
        let count = triggered.count + receivers.listeners.count
        let refusal =
            refusal(ofReceivers: count, payload) ?? refusal(ofStarting: triggered.count, by: run)
        if let refusal { return partFailed(run, step, refusal) }
        if let refusal = keep(payload, of: eventType, by: run, step) {
            return partFailed(run, step, refusal)
        }
        if triggered.isEmpty {
            for name in receivers.definitions {
                draft.effects.notices.append(.triggerSkipped(definition: name, reason: "depth"))
            }
        }
        for name in triggered {
            startTriggered(
                name, payload, in: state.namespace, root: root(of: run), depth: depth)
        }
        for listener in receivers.listeners { feed(listener, payload) }
        draft.starts += max(1, count)
        let id = newPayload(payload, run: state.id)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.published(
                step, eventType: eventType, receivers: count, payload: id,
                bytes: payload.bytes.count, at: at, into: &out)
        }
    }

    mutating func startTriggered(
        _ name: String, _ payload: Payload, in namespace: Namespace, root: RunID?, depth: Int
    ) {
        guard let definition = definitions[ScopedName(namespace: namespace, name: name)] else {
            return
        }
        _ = begin(
            NewRun(
                namespace: namespace, workflowID: "", input: payload, root: root, depth: depth),
            definition)
    }

    mutating func feed(_ listener: EventRouter.Listener, _ payload: Payload) {
        let bytes = payload.bytes.count
        let id = newPayload(payload, run: runs[listener.run].machine.state.id)
        let at = now.wallMillis
        change(listener.run) { machine, out, _ in
            machine.eventReceived(listener.step, id, bytes: bytes, at: at, into: &out)
        }
    }

    mutating func listen(_ run: Int32, _ step: Int, _ eventType: String) {
        guard runs[run].machine.state.steps[step].state == .waiting else { return }
        runs[run].steps[step].isListening = true
        router.listen(
            EventRouter.Listener(run: run, step: step), to: eventType,
            in: runs[run].machine.state.namespace)
    }

    mutating func stopListening(_ run: Int32, _ step: Int) {
        guard runs[run].steps[step].isListening,
            case .wait(let spec) = runs[run].machine.state.plan.steps[step].definition.kind
        else { return }
        runs[run].steps[step].isListening = false
        router.stop(
            EventRouter.Listener(run: run, step: step), type: spec.eventType,
            in: runs[run].machine.state.namespace)
    }

    // MARK: Children

    private mutating func startChild(
        _ run: Int32, _ step: Int, _ spec: ChildSpec, _ input: Payload
    ) {
        let state = runs[run].machine.state
        let name = ScopedName(namespace: state.namespace, name: spec.workflow)
        let depth = state.extra.value.depth + 1
        guard let definition = definitions[name] else {
            return partFailed(run, step, .noWorkflow(spec.workflow))
        }
        if depth > limits.run.maxDepth {
            return partFailed(run, step, .tooDeep(limits.run.maxDepth))
        }
        if let refusal = refusal(ofStarting: 1, by: run) { return partFailed(run, step, refusal) }
        draft.starts += 1
        let child = begin(
            NewRun(
                namespace: state.namespace, workflowID: "", input: input,
                parent: StepPlace(run: state.id, step: step), root: root(of: run), depth: depth,
                trace: state.extra.value.trace),
            definition)
        let at = now.wallMillis
        change(run) { machine, out, _ in machine.childStarted(step, child, at: at, into: &out) }
    }

    /// A run has ended: its parent's step goes on.
    mutating func tellParent(of child: Int32) {
        let state = runs[child].machine.state
        guard let parent = state.extra.value.parent, let run = runIndex[parent.run] else { return }
        let summary = state.summary
        let result = state.result
        let at = now.wallMillis
        change(run) { machine, out, random in
            machine.childEnded(
                parent.step, summary, result: result, at: at, random: random, into: &out)
        }
    }

    /// A parent has ended before its child.
    mutating func closeChild(_ id: RunID, _ policy: ParentClosePolicy) {
        guard policy != .abandon, let run = runIndex[id] else { return }
        let at = now.wallMillis
        change(run) { machine, out, _ in
            if policy == .terminate {
                machine.terminated(reason: "its parent has ended", at: at, into: &out)
            } else {
                machine.cancelRequested(reason: "its parent has ended", at: at, into: &out)
            }
        }
    }

    // MARK: Putting together

    mutating func collect(_ run: Int32, _ step: Int) {
        guard runs[run].machine.isCollecting(step) else { return }
        let state = runs[run].machine.state
        let place = StepPlace(run: state.id, step: step)
        guard let result = state.steps[step].extra.value.childResult else {
            let recipe = state.outcomesRecipe(of: step)
            return ask(recipe, for: .collected(place, attempt: state.steps[step].attempt))
        }
        if let recipe = state.untilRecipe(of: step) {
            return ask(recipe, for: .loopEnd(place, attempt: state.steps[step].attempt))
        }
        collectChild(run, step, result)
    }

    private mutating func collectChild(_ run: Int32, _ step: Int, _ result: PayloadID) {
        if let payload = payloads[result] { return collected(run, step, .success([payload])) }
        let state = runs[run].machine.state
        ask(
            .whole(result),
            for: .collected(
                StepPlace(run: state.id, step: step), attempt: state.steps[step].attempt))
    }

    /// Whether the loop of a repeated child ends with its newest result.
    mutating func loopEndKnown(
        _ place: StepPlace, attempt: Int, _ result: Result<[Payload], StepFailure>
    ) {
        guard let run = runIndex[place.run], runs[run].machine.isCollecting(place.step),
            runs[run].machine.state.steps[place.step].attempt == attempt,
            let output = runs[run].machine.state.steps[place.step].extra.value.childResult
        else { return }
        switch result {
        case .failure(let failure): collected(run, place.step, .failure(failure))
        case .success(let made) where made.first?.bytes == Array("true".utf8):
            collectChild(run, place.step, output)
        case .success:
            let at = now.wallMillis
            change(run) { machine, out, _ in machine.childRepeats(place.step, at: at, into: &out) }
        }
    }

    mutating func collected(
        _ place: StepPlace, attempt: Int, _ result: Result<[Payload], StepFailure>
    ) {
        guard let run = runIndex[place.run], runs[run].machine.isCollecting(place.step),
            runs[run].machine.state.steps[place.step].attempt == attempt
        else { return }
        collected(run, place.step, result)
    }

    private mutating func collected(
        _ run: Int32, _ step: Int, _ result: Result<[Payload], StepFailure>
    ) {
        let at = now.wallMillis
        switch result {
        case .failure(let failure):
            change(run) { machine, out, _ in
                machine.collectionFailed(step, failure, at: at, into: &out)
            }
        case .success(let made):
            guard let payload = made.first else { return }
            let id = newPayload(payload, run: runs[run].machine.state.id)
            change(run) { machine, out, _ in
                machine.collected(step, id, bytes: payload.bytes.count, at: at, into: &out)
            }
        }
    }
}

extension StepFailure {
    static func noWorkflow(_ name: String) -> StepFailure {
        StepFailure(
            type: "workflow_not_found",
            message: "no workflow \"\(name)\" is defined in this namespace; put its definition",
            retryable: false)
    }

    static func tooDeep(_ limit: Int) -> StepFailure {
        StepFailure(
            type: "too_deep",
            message: "\(limit) runs are above this one already; does a workflow start itself?",
            retryable: false)
    }
}
