/// How far one target of a subscription is: what is stored of it.
public struct SubscriberState: Sendable, Hashable {
    /// Everything up to this sequence is done.
    public var acknowledged: Int64
    /// What was removed up to here is no gap: it was before the subscription, or was told.
    public var knownRemoved: Int64
    /// The publication whose attempts failed; 0: none.
    public var failing: Int64 = 0
    /// How often they did.
    public var failures = 0
    /// When it is tried again, milliseconds since 1970; 0: it does not wait.
    public var notBeforeMillis: Int64 = 0
    public var lastFailure: StepFailure?
    /// Ever acknowledged, ever given up, and dead letters dropped because there were too many.
    public var delivered: Int64 = 0
    public var deadLettered: Int64 = 0
    public var deadLettersDropped: Int64 = 0
    /// The newest gap it came upon; 0 and 0: none.
    public var gapFrom: Int64 = 0
    public var gapThrough: Int64 = 0

    /// Begins behind a sequence.
    public init(acknowledged: Int64, knownRemoved: Int64) {
        self.acknowledged = acknowledged
        self.knownRemoved = knownRemoved
    }

    /// The publication whose attempts are used up, as long as it is not kept as a dead letter; `nil`:
    /// none is.
    public func usedUp(_ policy: DeliveryPolicy) -> Int64? {
        guard failing > acknowledged, notBeforeMillis == 0, let lastFailure else { return nil }
        return failures >= policy.maxAttempts || !lastFailure.retryable ? failing : nil
    }
}

/// One target of a subscription: which publications are out, what becomes of each, and what comes
/// next. Publications go out in the order of their sequences and are done in it: a failed one comes
/// again, and all behind it.
public struct SubscriberMachine: Sendable {
    /// What becomes of a failed attempt.
    public enum Verdict: Sendable, Hashable {
        /// It is tried again when this time has come, milliseconds since 1970.
        case retry(atMillis: Int64)
        /// Its attempts are used up.
        case deadLetter(attempts: Int)
    }

    /// What is stored.
    public private(set) var state: SubscriberState
    /// Publications that are out, ascending.
    public private(set) var outstanding: [Int64] = []
    private var outHead = 0
    /// Everything up to here is out, done, or not for it.
    public private(set) var sentThrough: Int64

    /// Goes on from what is stored: nothing is out.
    public init(_ state: SubscriberState) {
        self.state = state
        sentThrough = state.acknowledged
    }

    /// How many publications are out.
    public var outCount: Int { outstanding.count - outHead }
    /// The first that is out; `nil`: none.
    public var first: Int64? { outCount > 0 ? outstanding[outHead] : nil }

    /// The attempt that a publication is in when it goes out now, from 1.
    public func attempt(of sequence: Int64) -> Int {
        state.failing == sequence ? state.failures + 1 : 1
    }

    // MARK: What happened

    /// Publications went out, ascending and all behind what was out before; there was nothing else for
    /// it up to `through`.
    public mutating func sent(_ sequences: [Int64], through: Int64) {
        outstanding.append(contentsOf: sequences.filter { $0 > sentThrough })
        sentThrough = max(sentThrough, through)
        skip()
    }

    /// Everything up to a sequence is done. `false`: that was known.
    public mutating func acknowledge(_ sequence: Int64) -> Bool {
        guard sequence > state.acknowledged else { return false }
        while let first, first <= sequence {
            outHead += 1
            state.delivered += 1
        }
        if outHead > 256, outHead * 2 > outstanding.count {
            outstanding.removeFirst(outHead)
            outHead = 0
        }
        state.acknowledged = sequence
        sentThrough = max(sentThrough, sequence)
        if state.failing <= sequence { forgetFailure() }
        skip()
        return true
    }

    /// An attempt failed: it and all behind it are out no more.
    ///
    /// - Parameter sequence: the publication; what was out before it counts as done.
    public mutating func failed(
        _ sequence: Int64, _ failure: StepFailure, _ policy: DeliveryPolicy, at nowMillis: Int64,
        random: UInt64
    ) -> Verdict {
        passBefore(sequence)
        callBack()
        if state.failing != sequence { state.failures = 0 }
        state.failing = sequence
        state.failures += 1
        state.lastFailure = failure
        if !failure.retryable || state.failures >= policy.maxAttempts {
            state.notBeforeMillis = 0
            return .deadLetter(attempts: state.failures)
        }
        var wait = policy.delayMillis(afterFailures: state.failures, random: random)
        if let asked = failure.retryAfterMillis { wait = max(wait, min(asked, 86_400_000)) }
        state.notBeforeMillis = nowMillis + wait
        return .retry(atMillis: state.notBeforeMillis)
    }

    /// Something that is not the publication's fault keeps it from being tried: it waits, and that is
    /// no attempt.
    public mutating func held(
        _ failure: StepFailure, _ policy: DeliveryPolicy, at nowMillis: Int64, after holds: Int,
        random: UInt64
    ) -> Int64 {
        callBack()
        state.lastFailure = failure
        var wait = policy.delayMillis(afterFailures: max(1, holds), random: random)
        if let asked = failure.retryAfterMillis { wait = max(wait, min(asked, 86_400_000)) }
        state.notBeforeMillis = nowMillis + wait
        return state.notBeforeMillis
    }

    /// A publication was given up: it is kept as a dead letter, and the rest goes on.
    public mutating func givenUp(_ sequence: Int64) {
        state.deadLettered += 1
        passUsedUp(sequence)
    }

    /// A publication was given up and had been removed meanwhile: nothing is kept of it.
    public mutating func lost(_ sequence: Int64) {
        passUsedUp(sequence)
        passedGap(from: sequence, through: sequence)
    }

    private mutating func passUsedUp(_ sequence: Int64) {
        state.acknowledged = max(state.acknowledged, sequence)
        sentThrough = max(sentThrough, sequence)
        let failure = state.lastFailure
        forgetFailure()
        state.lastFailure = failure
    }

    /// Nothing is out any more: what was goes out again.
    public mutating func callBack() {
        outstanding = []
        outHead = 0
        sentThrough = state.acknowledged
    }

    /// The wait is over.
    public mutating func waitIsOver() { state.notBeforeMillis = 0 }

    /// Publications were removed before they went out. What goes on where the last gap ended is one
    /// with it.
    public mutating func passedGap(from: Int64, through: Int64) {
        let goesOn = state.gapFrom > 0 && state.gapFrom <= from && from <= state.gapThrough + 1
        if !goesOn { state.gapFrom = from }
        state.gapThrough = goesOn ? max(state.gapThrough, through) : through
        state.knownRemoved = max(state.knownRemoved, through)
    }

    /// A dead letter was dropped because there were too many.
    public mutating func droppedDeadLetter() { state.deadLettersDropped += 1 }

    /// A dead letter that was requeued is done.
    public mutating func deliveredAgain() { state.delivered += 1 }

    private mutating func passBefore(_ sequence: Int64) {
        while let first, first < sequence {
            outHead += 1
            state.delivered += 1
            state.acknowledged = max(state.acknowledged, first)
        }
        state.acknowledged = max(state.acknowledged, sequence - 1)
    }

    /// What is not for it is done as soon as nothing before it is out.
    private mutating func skip() {
        guard outCount == 0 else { return }
        state.acknowledged = max(state.acknowledged, sentThrough)
    }

    private mutating func forgetFailure() {
        state.failing = 0
        state.failures = 0
        state.notBeforeMillis = 0
        state.lastFailure = nil
    }
}
