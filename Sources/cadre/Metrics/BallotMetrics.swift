import Coordination
import Engine
import Telemetry

/// The series of ballots.
final class BallotMetrics: Sendable {
    private let ballots: MetricFamily<Counter>
    private let early: MetricFamily<Counter>
    private let support: MetricFamily<Histogram>
    private let duration: MetricFamily<Histogram>
    private let outcomes: MetricFamily<Counter>

    init(_ registry: MetricsRegistry) {
        ballots = registry.counter(
            name: "cadre_ballots",
            help:
                "Ballots by outcome: decided, no_quorum, no_support, tie, not_unanimous, cycle.",
            labels: ["operation", "outcome"])
        early = registry.counter(
            name: "cadre_ballots_early", help: "Ballots that ended before all voters were heard.",
            labels: ["operation"])
        support = registry.histogram(
            name: "cadre_ballot_support",
            help: "The share of the answered weight behind the first.",
            unit: .ratio, labels: ["operation"],
            buckets: [0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
        duration = registry.histogram(
            name: "cadre_ballot_duration", help: "From the question to the outcome.",
            unit: .seconds, labels: ["operation"])
        outcomes = registry.counter(
            name: "cadre_ballot_decisions_judged",
            help: "Decisions whose outcome became known, by verdict: right, wrong.",
            labels: ["series", "verdict"])
    }

    /// Counts what the engine tells.
    func noted(_ notice: BallotNotice) {
        switch notice {
        case .ended(let operation, let reason, let isEarly, let share, let seconds):
            ballots.with(operation, reason?.word ?? "decided").add()
            if isEarly { early.with(operation).add() }
            support.with(operation).observe(share)
            duration.with(operation).observe(seconds)
        case .judged(let series, let isRight):
            outcomes.with(series, isRight ? "right" : "wrong").add()
        }
    }
}

extension BallotVerdict.NoDecision {
    /// The reason as a label.
    fileprivate var word: String {
        switch self {
        case .noQuorum: "no_quorum"
        case .noSupport: "no_support"
        case .tie: "tie"
        case .notUnanimous: "not_unanimous"
        case .cycle: "cycle"
        }
    }
}
