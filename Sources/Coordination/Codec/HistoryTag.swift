/// The byte that says which event follows in a stored history. A value that has been written stays
/// what it is for ever; new kinds take the next one and raise ``HistoryCodec/version``.
enum HistoryTag: UInt8 {
    // Since version 1.
    case runStarted = 1
    case stepScheduled = 2
    case stepStarted = 3
    case stepCompleted = 4
    case stepFailed = 5
    case stepTimedOut = 6
    case stepSkipped = 7
    case stepCancelled = 8
    case runCompleted = 9
    case runFailed = 10
    case runCancelled = 11
    case runTimedOut = 12

    // Since version 2.
    case signalReceived = 13
    case stepWaiting = 14
    case approvalDecided = 15
    case runPaused = 16
    case runResumed = 17
    case runTerminated = 18
    case runRetried = 19
    case runCompensating = 20
    case stepFellBack = 21
    case stepParked = 22
    case stepRequeued = 23
    case childStarted = 24
    case eventPublished = 25
    case listStarted = 26
    case runQueued = 27
    case childEnded = 28

    // Since version 3.
    case stepModeApplied = 29

    // Since version 4.
    case runContinued = 30
    case runTookOver = 31

    // Since version 5.
    case stepTimedOutWithFailure = 32
}

extension HistoryTag {
    /// The tag of an event.
    init(_ kind: HistoryEventKind) {
        switch kind {
        case .runStarted: self = .runStarted
        case .stepScheduled: self = .stepScheduled
        case .stepStarted: self = .stepStarted
        case .stepCompleted: self = .stepCompleted
        case .stepFailed: self = .stepFailed
        case .stepTimedOut(_, _, nil, _): self = .stepTimedOut
        case .stepTimedOut: self = .stepTimedOutWithFailure
        case .stepSkipped: self = .stepSkipped
        case .stepCancelled: self = .stepCancelled
        case .runCompleted: self = .runCompleted
        case .runFailed: self = .runFailed
        case .runCancelled: self = .runCancelled
        case .runTimedOut: self = .runTimedOut
        case .signalReceived: self = .signalReceived
        case .stepWaiting: self = .stepWaiting
        case .approvalDecided: self = .approvalDecided
        case .runPaused: self = .runPaused
        case .runResumed: self = .runResumed
        case .runTerminated: self = .runTerminated
        case .runRetried: self = .runRetried
        case .runCompensating: self = .runCompensating
        case .stepFellBack: self = .stepFellBack
        case .stepParked: self = .stepParked
        case .stepRequeued: self = .stepRequeued
        case .childStarted: self = .childStarted
        case .eventPublished: self = .eventPublished
        case .listStarted: self = .listStarted
        case .runQueued: self = .runQueued
        case .childEnded: self = .childEnded
        case .stepModeApplied: self = .stepModeApplied
        case .runContinued: self = .runContinued
        case .runTookOver: self = .runTookOver
        }
    }

    /// What an event tells of, and therefore begins with behind its tag.
    enum Subject {
        /// Nothing: the run is known.
        case run
        /// The step's id.
        case step
        /// The step's id and the attempt's number.
        case attempt
    }

    /// What the event tells of.
    var subject: Subject {
        switch self {
        case .runStarted, .runTookOver, .runContinued, .runCompleted, .runFailed, .runCancelled,
            .runTimedOut, .runPaused, .runResumed, .runTerminated, .runRetried, .runCompensating,
            .runQueued, .signalReceived:
            .run
        case .stepSkipped, .stepFellBack, .stepRequeued, .approvalDecided, .eventPublished:
            .step
        case .stepScheduled, .stepStarted, .stepCompleted, .stepFailed, .stepTimedOut,
            .stepTimedOutWithFailure, .stepCancelled, .stepWaiting, .stepParked, .stepModeApplied,
            .childStarted, .childEnded, .listStarted:
            .attempt
        }
    }
}
