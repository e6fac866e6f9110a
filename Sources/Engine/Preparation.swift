import Coordination

/// Work on payload bytes that the engine asks of its shell: render a step's input or a run's
/// result. It comes back as ``Command/prepared(_:)``.
public struct Preparation: Sendable {
    /// What the bytes are for.
    public enum Purpose: Sendable, Hashable {
        /// The input of the dispatch that will bear this token.
        case stepInput(AssignmentToken)
        /// The result of a run whose steps have all ended.
        case runResult(RunID)
        /// What a run's successor gets, as it is stored: its input, then signals.
        case successor(RunID, [PayloadID])
        /// The input of a step that no agent works on.
        case partInput(StepPlace, attempt: Int)
        /// Whether a step's condition holds.
        case condition(StepPlace)
        /// Whether the input of a start fits its definition's contract.
        case startInput(ReplyTicket)
        /// Whether the input of a run that nobody has checked at its start fits that contract.
        case runInput(RunID)
        /// Whether the output of the dispatch with this token fits its step's contract.
        case stepOutput(AssignmentToken)
        /// The input of a step that is to be answered from what is remembered.
        case cachedInput(StepPlace, attempt: Int)
        /// The elements of a step's list.
        case elements(StepPlace, attempt: Int)
        /// Whether the loop of a repeated child ends.
        case loopEnd(StepPlace, attempt: Int)
        /// The output of a step that children or elements have worked for.
        case collected(StepPlace, attempt: Int)
        /// What a voter of the open ballot with this number said.
        case vote(ballot: Int32, serial: UInt64, voter: Int)
        /// What somebody says would have been right.
        case truth(ReplyTicket)
        /// The output of a step whose ballot has decided.
        case ballotOutput(StepPlace, attempt: Int)
        /// A batch that has left: its bytes, or the results in its answer.
        case batch(Int32, serial: UInt64, number: UInt64)

        /// Whether what comes of it changes nothing that is stored, or only by what it leads to.
        var isVolatile: Bool {
            switch self {
            case .vote, .batch: true
            default: false
            }
        }

        /// The kind of payload, which bounds its size.
        var payload: PayloadPurpose {
            switch self {
            case .stepInput, .partInput, .elements, .collected, .condition, .loopEnd, .cachedInput,
                .startInput,
                .runInput, .stepOutput, .vote, .truth, .batch,
                .ballotOutput:
                .stepInput
            case .runResult, .successor: .runResult
            }
        }
    }

    /// What the payloads are for; comes back with the outcome.
    public var purpose: Purpose
    /// How the bytes come from what is stored.
    public var recipe: PayloadRecipe
    /// The payloads that are at hand already.
    public var loaded: [PayloadID: Payload]
    /// The ones that must be read from the store first.
    public var missing: [PayloadID]
    /// Done instead of the recipe, where there is one.
    public private(set) var task: PayloadTask?

    /// Describes the work.
    public init(
        purpose: Purpose, recipe: PayloadRecipe, loaded: [PayloadID: Payload],
        missing: [PayloadID]
    ) {
        self.purpose = purpose
        self.recipe = recipe
        self.loaded = loaded
        self.missing = missing
    }

    /// Work on payloads that are not stored.
    init(_ task: PayloadTask, for purpose: Purpose) {
        self.init(purpose: purpose, recipe: .collected([]), loaded: [:], missing: [])
        self.task = task
    }

    /// Makes the payloads from what is loaded.
    public func make() -> Outcome {
        if let task {
            var outcome = Outcome(purpose: purpose, result: .success([]))
            outcome.made = task.make()
            return outcome
        }
        let rendered = recipe.render(loaded, for: purpose.payload)
        switch (purpose, rendered) {
        case (_, .failure(let failure)): return Outcome(purpose: purpose, result: .failure(failure))
        case (.successor(_, let ids), .success):
            return Outcome(purpose: purpose, result: originals(ids))
        case (.elements, .success(let list)):
            return Outcome(purpose: purpose, result: list.elements(atMost: FanOutSpec.maxWidth))
        case (_, .success(let payload)):
            return Outcome(purpose: purpose, result: .success([payload]))
        }
    }

    private func originals(_ ids: [PayloadID]) -> Result<[Payload], StepFailure> {
        var found: [Payload] = []
        for id in ids {
            guard let payload = loaded[id] else {
                return PayloadRecipe.whole(id).render(loaded).map { [$0] }
            }
            found.append(payload)
        }
        return .success(found)
    }

    /// What became of a preparation.
    public struct Outcome: Sendable {
        /// What was asked for.
        public var purpose: Purpose
        /// The payload; for ``Purpose/elements(_:attempt:)`` one for each element.
        public var result: Result<[Payload], StepFailure>
        /// What came of a ``PayloadTask``.
        public internal(set) var made: PayloadTask.Made?

        /// Combines the parts.
        public init(purpose: Purpose, result: Result<[Payload], StepFailure>) {
            self.purpose = purpose
            self.result = result
        }
    }
}
