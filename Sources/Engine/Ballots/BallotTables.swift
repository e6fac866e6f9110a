import Coordination
import Store

/// A ballot that is open.
struct BallotCell: Sendable {
    /// Never used again, so that what comes late finds nothing.
    var serial: UInt64
    var decide: DecideBallot
    var ballot: Ballot
    /// Who waits for the outcome.
    var ticket: ReplyTicket
    /// By voter: the open call, what was answered and by whom.
    var calls: [UInt64?]
    var answers: [Payload?]
    var agents: [AgentID?]
    /// Bytes of those answers.
    var bytes = 0
    /// Handle of the timer that ends it; -1: none.
    var timer: Int32 = -1
    /// The newest batch that something in it has seen.
    var seen = BatchNumber.none

    static let vacant = BallotCell(
        serial: 0,
        decide: DecideBallot(
            namespace: Namespace(""), operation: "", payload: Payload(bytes: []),
            spec: BallotSpec(voters: []), requestID: "", closesNanos: 0, arrivedNanos: 0),
        ballot: Ballot(BallotRules(), voters: []), ticket: ReplyTicket(port: 0, call: 0),
        calls: [], answers: [], agents: [])
}

/// A series, with what is not stored of it.
struct SeriesCell: Sendable {
    var series = BallotSeries()
    /// The newest batch that changed it.
    var changedIn = BatchNumber.none
    /// Decisions that are under way.
    var openIDs: Set<String> = []
}

/// Ballots and series of the shard.
struct BallotTables: Sendable {
    var cells = Slab(vacant: BallotCell.vacant)
    /// Bytes of the answers that open ballots hold.
    var bytes = 0
    var lastSerial: UInt64 = 0
    var series: [ScopedName: SeriesCell] = [:]
    /// The newest batch that deleted one, or wrote the first row of one.
    var changedIn = BatchNumber.none
    /// The ballots of steps, by the calls that wait for them.
    var ofSteps: [StepPlace: ReplyTicket] = [:]
    /// Steps whose voters are not there, also by the agent types of those voters.
    var waiting: [StepPlace: VoterWait] = [:]
    var waitingFor: [String: [StepPlace]] = [:]
    /// Reports whose right answer is being read.
    var reports: [ReplyTicket: ReportBallotOutcome] = [:]

    /// Whether no step is or waits to be voted on.
    var hasNoSteps: Bool { ofSteps.isEmpty && waiting.isEmpty }

    func names(in namespace: Namespace) -> [String] {
        series.filter { $0.key.namespace == namespace && $0.value.series.lastMillis > 0 }
            .map(\.key.name).sorted()
    }
}
