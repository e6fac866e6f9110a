import AgentKit
import Coordination
import Engine
import Threads

/// Breakers for the agents of this process: permits, reports and changes go straight to the engine.
final class EngineBreakerLink: BreakerLink, ReplyPort {

    private struct State: Sendable {
        var next: UInt64 = 0
        var permits: [UInt64: @Sendable (PermitDecision?) -> Void] = [:]
        var followers: [String: [UInt64: @Sendable (BreakerSight?, UInt64) -> Void]] = [:]
        var lastFollower: UInt64 = 0
        var sights: [String: BreakerSight] = [:]
        /// Grows with each change of a sight.
        var changes: UInt64 = 0
    }

    private let host: EngineHost
    private let namespace: Namespace
    private let port = Locked(0)
    private let state = Locked(State())

    /// The call under which all breakers are watched.
    private static let watch: UInt64 = 0

    /// Begins to watch the breakers of a namespace.
    init(_ host: EngineHost, namespace: Namespace = .default) {
        self.host = host
        self.namespace = namespace
        let number = host.attach(port: self)
        port.withLock { $0 = number }
        host.post([.breaker(.watch(namespace), ticket(Self.watch))])
    }

    func permit(
        _ breaker: String, completion: @escaping @Sendable (PermitDecision?) -> Void
    ) {
        let call = state.withLock { state in
            state.next += 1
            state.permits[state.next] = completion
            return state.next
        }
        host.post([.breaker(.permit(namespace, name: breaker), ticket(call))])
    }

    func report(_ breaker: String, _ reports: [CallReport]) {
        let all = reports.map {
            BreakerReport(
                name: breaker,
                content: .call($0.permit, $0.verdict, durationNanos: $0.durationNanos))
        }
        // Nobody waits for the answer.
        host.post([.breaker(.report(namespace, all), ticket(.max))])
    }

    func follow(
        _ breaker: String, refresh: @escaping @Sendable (BreakerSight?, UInt64) -> Void
    ) -> UInt64 {
        let (number, sight, change) = state.withLock { state in
            state.lastFollower += 1
            state.followers[breaker, default: [:]][state.lastFollower] = refresh
            return (state.lastFollower, state.sights[breaker], state.changes)
        }
        refresh(sight, change)
        return number
    }

    func unfollow(_ breaker: String, _ number: UInt64) {
        state.withLock { state in
            state.followers[breaker]?[number] = nil
            if state.followers[breaker]?.isEmpty == true { state.followers[breaker] = nil }
        }
    }

    func deliver(_ replies: [Reply]) {
        for reply in replies {
            guard reply.ticket.call != Self.watch else {
                if case .breaker(let answer) = reply.answer { take(answer) }
                continue
            }
            let completion = state.withLock { $0.permits.removeValue(forKey: reply.ticket.call) }
            if case .breaker(.permit(let decision, _)) = reply.answer {
                completion?(decision)
            } else {
                completion?(nil)
            }
        }
    }

    private func take(_ answer: BreakerAnswer) {
        switch answer {
        case .snapshot(let views):
            for view in views { tell(view.definition.name, Self.sight(view)) }
        case .changed(let view): tell(view.definition.name, Self.sight(view))
        case .deleted(let name): tell(name, nil)
        default: break
        }
    }

    private func tell(_ name: String, _ sight: BreakerSight?) {
        let (followers, change) = state.withLock { state in
            state.changes += 1
            state.sights[name] = sight
            return (state.followers[name], state.changes)
        }
        // Outside the lock: a follower that is let go of meanwhile ends right here, and unfollows.
        for refresh in followers?.values.map(\.self) ?? [] { refresh(sight, change) }
    }

    private static func sight(_ view: BreakerView) -> BreakerSight {
        let wait = view.nextChangeMillis.map { $0 - SystemClock.wallMillis() }
        let until = wait.map { SystemClock.monotonicNanos() + max(0, $0) * 1_000_000 }
        return BreakerSight(
            state: view.state, generation: view.generation, untilNanos: until ?? .max)
    }

    private func ticket(_ call: UInt64) -> ReplyTicket {
        ReplyTicket(port: port.withLock { $0 }, call: call)
    }
}
