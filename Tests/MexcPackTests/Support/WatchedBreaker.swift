import Coordination
import Threads

@testable import AgentKit

/// A breaker whose state a test sets, and which keeps what it is told.
final class WatchedBreaker: BreakerLink {
    private let state: BreakerState
    private let reports = Locked<[CallReport]>([])

    init(_ state: BreakerState = .closed) { self.state = state }

    /// How the calls went, in the order of their reports.
    var verdicts: [CallVerdict] { reports.withLock { $0.map(\.verdict) } }

    func permit(
        _ breaker: String, completion: @escaping @Sendable (PermitDecision?) -> Void
    ) { completion(nil) }

    func report(_ breaker: String, _ new: [CallReport]) { reports.withLock { $0 += new } }

    func follow(
        _ breaker: String, refresh: @escaping @Sendable (BreakerSight?, UInt64) -> Void
    ) -> UInt64 {
        refresh(BreakerSight(state: state, generation: 1, untilNanos: .max), 1)
        return 1
    }

    func unfollow(_ breaker: String, _ number: UInt64) {}
}

/// What operations are given by a host, as far as breakers go.
final class BreakerSignals: AgentSignals {
    let breakers: BreakerShelf

    init(_ link: any BreakerLink) { breakers = BreakerShelf(link: link) }

    func heartbeat(_ heartbeat: AssignmentHeartbeat) {}

    func mode(of namespace: Namespace) -> OperatingMode { .normal }
}
