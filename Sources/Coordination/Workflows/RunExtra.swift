/// What few runs have; see ``Rare``.
public struct RunExtra: Sendable, Hashable, DefaultValued {
    /// The step that started the run and waits for its end.
    public internal(set) var parent: StepPlace?
    /// How many parents are above it.
    public internal(set) var depth = 0
    /// Signals that nothing has waited for yet, oldest first.
    public internal(set) var signals: [KeptSignal] = []
    /// How the run will end when its compensations have.
    public internal(set) var closing: RunStatus?
    public internal(set) var compensation = CompensationState.none
    /// Why it is paused, or why it was cancelled or terminated.
    public internal(set) var reason = ""
    /// What whoever started it gave it to be found by.
    public internal(set) var attributes: [RunAttribute] = []
    /// Whether its input must still be held against the definition's contract.
    public internal(set) var isInputUnchecked = false
    /// Where its start stands in its caller's trace.
    public internal(set) var trace: TraceContext?
    /// The run whose place it has taken, and the one that has taken its place.
    public internal(set) var continuedFrom: RunID?
    public internal(set) var continuedAs: RunID?

    /// A run that nothing of this happened to.
    public init() {}
}

/// What few steps have; see ``Rare``.
public struct StepExtra: Sendable, Hashable, DefaultValued {
    /// Whether its fallback has taken its place.
    public internal(set) var usesFallback = false
    /// The event number of its completion, for the order of compensations; 0: none is needed.
    public internal(set) var committedSequence: Int64 = 0
    /// The `fan_out` step whose list it works on an element of; -1: it is a step of the plan.
    public internal(set) var owner = -1
    /// Which element, from 0.
    public internal(set) var index = 0
    /// Its input, when it is stored by itself: an element of a list.
    public internal(set) var input: PayloadID?
    /// The run that it started last.
    public internal(set) var child: RunID?
    /// The child's result, until the parent has one of its own.
    public internal(set) var childResult: PayloadID?
    /// Runs of a repeated child that have ended without ending the loop.
    public internal(set) var rounds = 0
    /// When it was first ready to run; 0: nobody needs to know.
    public internal(set) var readyMillis: Int64 = 0
    /// A `fan_out` step's elements: where the first one stands, how many have been begun, and how
    /// many have not ended.
    public internal(set) var firstItem = 0
    public internal(set) var itemsBegun = 0
    public internal(set) var itemsOpen = 0

    /// A step that nothing of this happened to.
    public init() {}
}

/// A step of one run, by its place.
public struct StepPlace: Sendable, Hashable {
    /// The run, and the index of the step in its state.
    public var run: RunID
    public var step: Int

    /// Names the step.
    public init(run: RunID, step: Int) {
        self.run = run
        self.step = step
    }
}

/// A signal that came before its wait.
public struct KeptSignal: Sendable, Hashable {
    /// What it is called, and what came with it.
    public var name: String
    public var payload: PayloadID

    /// Names the signal.
    public init(name: String, payload: PayloadID) {
        self.name = name
        self.payload = payload
    }
}
