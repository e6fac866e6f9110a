import Coordination
import Store

/// What steps do when their turn comes in an operating mode that they do not run in.
extension CoordinationEngine {
    /// Whether the mode has something else to do with a scheduled step than run it; it is done.
    mutating func isGovernedByMode(_ run: Int32, _ step: Int) -> Bool {
        let machine = runs[run].machine
        if machine.state.work(of: step).definition.modes == .run { return false }
        let mode = mode(of: machine.state.namespace)
        let at = now.wallMillis
        let behavior = machine.behavior(of: step, in: mode)
        if behavior != .run { waitsForNobody(run, step) }
        switch behavior {
        case .run: return false
        case .hold: hold(run, step, for: mode)
        case .cached: askCache(run, step)
        case .skip:
            change(run) { machine, out, _ in
                machine.skippedByMode(step, mode, at: at, into: &out)
            }
        case .refuse: refuse(run, step, .refusedByMode(mode))
        }
        return true
    }

    /// Whether a scheduled step runs in the mode as it is.
    mutating func definitionRuns(_ run: Int32, _ step: Int) -> Bool {
        let machine = runs[run].machine
        if machine.state.work(of: step).definition.modes == .run { return true }
        return machine.behavior(of: step, in: mode(of: machine.state.namespace)) == .run
    }

    private mutating func refuse(_ run: Int32, _ step: Int, _ failure: StepFailure) {
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.startFailed(step, failure, at: at, into: &out)
        }
    }

    // MARK: Held

    /// The step waits for another mode, but no longer than it may wait to start.
    private mutating func hold(_ run: Int32, _ step: Int, for mode: OperatingMode) {
        // A breaker that it waited for before may have woken it.
        if runs[run].steps[step].isHeldByMode { return armHoldEnd(run, step) }
        let namespace = runs[run].machine.state.namespace
        requireMode(namespace)
        runs[run].steps[step].isHeldByMode = true
        breakers.modes[namespace]?.held.insert(HeldStep(run: run, step: step))
        armHoldEnd(run, step)
        let at = now.wallMillis
        change(run) { machine, out, _ in machine.heldByMode(step, mode, at: at, into: &out) }
    }

    /// Lets go a step that is stopped, or whose run is paused.
    mutating func stopHolding(_ run: Int32, _ step: Int) {
        guard runs[run].steps[step].isHeldByMode else { return }
        runs[run].steps[step].isHeldByMode = false
        let namespace = runs[run].machine.state.namespace
        breakers.modes[namespace]?.held.remove(HeldStep(run: run, step: step))
    }

    /// The mode is another one: what waited for it asks again.
    mutating func wakeHeldByMode(_ held: Set<HeldStep>) {
        let ordered = held.sorted { ($0.run, $0.step) < ($1.run, $1.step) }
        for waiting in ordered where runs.contains(waiting.run) {
            guard runs[waiting.run].steps.indices.contains(waiting.step) else { continue }
            runs[waiting.run].steps[waiting.step].isHeldByMode = false
        }
        wake(ordered)
    }

    // MARK: Remembered outputs

    /// The step's input says which output is wanted.
    private mutating func askCache(_ run: Int32, _ step: Int) {
        let state = runs[run].machine.state
        let place = StepPlace(run: state.id, step: step)
        let recipe = state.inputRecipe(of: step)
        if case .whole(let id) = recipe, let input = payloads[id] {
            return answerFromCache(run, step, input)
        }
        ask(recipe, for: .cachedInput(place, attempt: state.steps[step].attempt))
    }

    mutating func cachedInputReady(
        _ place: StepPlace, attempt: Int, _ result: Result<[Payload], StepFailure>
    ) {
        guard let run = runIndex[place.run], runs[run].machine.state.status != .paused,
            runs[run].machine.isScheduled(place.step, attempt: attempt),
            runs[run].steps[place.step].job < 0
        else { return }
        switch result {
        case .failure(let failure): refuse(run, place.step, failure)
        case .success(let made):
            if let input = made.first { answerFromCache(run, place.step, input) }
        }
    }

    private mutating func answerFromCache(_ run: Int32, _ step: Int, _ input: Payload) {
        let state = runs[run].machine.state
        let mode = mode(of: state.namespace)
        guard let key = cacheKey(state, step, input), let output = stepCache.output(key) else {
            return refuse(run, step, .nothingCached(mode))
        }
        let id = newPayload(output, run: state.id)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.answeredFromCache(
                step, id, bytes: output.bytes.count, mode, at: at, into: &out)
        }
    }

    private mutating func cacheKey(_ state: RunState, _ step: Int, _ input: Payload) -> ScopedName?
    {
        StepCache.key(
            state.namespace, workflow: state.plan.definition.name,
            state.plan.steps[step].definition, input)
    }

    /// A step begins; if some mode wants its output from memory, it will be remembered.
    mutating func noteInput(_ run: Int32, _ step: Int, _ token: AssignmentToken, _ input: Payload) {
        let state = runs[run].machine.state
        guard state.work(of: step).definition.modes.usesCache else { return }
        stepCache.keys[token] = cacheKey(state, step, input)
    }

    /// A step's output was taken.
    mutating func remember(_ output: Payload, as key: ScopedName) {
        if output.bytes.count > StepCache.maxBytes { return }
        let (isNew, gone) = stepCache.keep(output, key)
        if isNew { putStepOutput(key, StepCache.encode(output)) }
        if let gone { putStepOutput(gone, nil) }
    }

    private mutating func putStepOutput(_ key: ScopedName, _ blob: [UInt8]?) {
        put(
            EntityRow(
                kind: .stepOutput, namespace: key.namespace.name, key: key.name, blob: blob))
    }

    mutating func restoreStepOutput(_ row: EntityRow) throws(CodecError) {
        guard let blob = row.blob else { return }
        let key = ScopedName(namespace: Namespace(row.namespace), name: row.key)
        _ = stepCache.keep(try StepCache.decode(blob), key)
    }
}

extension StepFailure {
    static func refusedByMode(_ mode: OperatingMode) -> StepFailure {
        StepFailure(
            type: "refused_by_mode",
            message: "the step does not run while the operating mode is \(mode)",
            retryable: false)
    }

    static func heldByMode(_ mode: OperatingMode, _ limit: String) -> StepFailure {
        StepFailure(
            type: "held_by_mode",
            message:
                "the operating mode \(mode) held the step through its \(limit); raise that, or "
                + "skip or refuse the step in this mode", retryable: false)
    }

    static func nothingCached(_ mode: OperatingMode) -> StepFailure {
        StepFailure(
            type: "nothing_cached",
            message: "the step does not run while the operating mode is \(mode), and no output is "
                + "remembered for its input", retryable: false)
    }
}
