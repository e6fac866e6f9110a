import Coordination
import Engine
import JSON
import Messages
import NIOCore
import Stubs
import Threads

/// The limits of one health check, in milliseconds.
struct HealthLimits {
    let probeMillis: Int64
    let totalMillis: Int64

    /// Reads and checks them; refuses the call and gives `nil` when they are out of range.
    init?(_ request: CheckHealthRequest, _ call: UnaryCall<CheckHealthResponse>) {
        var faults = FieldFaults()
        faults.checkName(request.agentType.isEmpty ? "all" : request.agentType, "agent_type")
        for (value, field) in [
            (request.probeTimeoutMillis, "probe_timeout_millis"),
            (request.totalTimeoutMillis, "total_timeout_millis"),
        ] {
            faults.check(
                (0...60_000).contains(value), field, "is \(value); 1 to 60000, 0 for the default")
        }
        if let status = faults.status {
            call.fail(status)
            return nil
        }
        probeMillis = request.probeTimeoutMillis == 0 ? 1_000 : request.probeTimeoutMillis
        totalMillis = request.totalTimeoutMillis == 0 ? 3_000 : request.totalTimeoutMillis
    }
}

/// One fleet-wide health check: every probe at once, each within its own limit, all within one,
/// and every outcome kept. Confined to its loop.
final class HealthCheck {
    private var results: [Messages.AgentHealth?]
    private var missing: Int
    private var tickets: [ReplyTicket] = []
    private let agents: [AgentSummary]
    private let limits: HealthLimits
    private let link: EngineLink
    private let call: UnaryCall<CheckHealthResponse>
    private let startedNanos = SystemClock.monotonicNanos()
    private var giveUpTask: Scheduled<Void>?

    init(
        agents: [AgentSummary], limits: HealthLimits, link: EngineLink,
        call: UnaryCall<CheckHealthResponse>
    ) {
        self.agents = agents
        self.limits = limits
        self.link = link
        self.call = call
        results = Array(repeating: nil, count: agents.count)
        missing = agents.count
    }

    /// Sends all probes. The answer goes out when the last has settled.
    func begin() {
        if agents.isEmpty { return respond() }
        for (index, agent) in agents.enumerated() { probe(index, agent) }
        call.onCancel { _ in
            self.giveUpTask?.cancel()
            for ticket in self.tickets { self.link.abandon(ticket) }
        }
        // The probes' own deadlines settle the check; this is for an engine that is late itself.
        giveUpTask = call.eventLoop.assumeIsolated().scheduleTask(
            in: .milliseconds(limits.totalMillis)
        ) {
            self.giveUp()
        }
    }

    private func probe(_ index: Int, _ agent: AgentSummary) {
        let limit = min(limits.probeMillis, limits.totalMillis)
        let invoke = Invoke(
            namespace: .default, agentType: agent.registration.type,
            instance: agent.registration.id, operation: Assignment.healthOperation,
            payload: Coordination.Payload(bytes: Array("{}".utf8)),
            deadlineNanos: startedNanos + limit * 1_000_000, arrivedNanos: startedNanos)
        tickets.append(
            link.ask({ .invoke(invoke, $0) }) { [self] answer in settle(index, answer) })
    }

    private func settle(_ index: Int, _ answer: Answer) {
        guard missing > 0, results[index] == nil else { return }
        results[index] = health(of: agents[index].registration, answer)
        missing -= 1
        if missing == 0 { respond() }
    }

    private func giveUp() {
        guard missing > 0 else { return }
        for index in results.indices where results[index] == nil {
            results[index] = timedOut(agents[index].registration)
            link.abandon(tickets[index])
        }
        missing = 0
        respond()
    }

    private func health(
        of agent: AgentRegistration, _ answer: Answer
    ) -> Messages.AgentHealth {
        switch answer {
        case .invoked(let answer): report(agent, answer.outcome)
        case .rejected(let rejection) where rejection.code == .deadline: timedOut(agent)
        case .rejected(let rejection): entry(agent, .unhealthy, rejection.message)
        default: entry(agent, .unhealthy, "the engine gave an unexpected answer")
        }
    }

    private func report(
        _ agent: AgentRegistration, _ outcome: AssignmentOutcome
    ) -> Messages.AgentHealth {
        switch outcome {
        case .failure(let failure): return entry(agent, .unhealthy, failure.message)
        case .success(let payload):
            guard let document = try? JSONDocument(parsing: payload.bytes),
                let state = document.root["state"]?.string
            else { return entry(agent, .unhealthy, "its health report is not understood") }
            return entry(agent, Self.state(state), document.root["detail"]?.string ?? "")
        }
    }

    private static func state(_ name: String) -> HealthState {
        switch name {
        case "healthy": .healthy
        case "degraded": .degraded
        default: .unhealthy
        }
    }

    private func timedOut(_ agent: AgentRegistration) -> Messages.AgentHealth {
        entry(agent, .timedOut, "no answer within its limit of \(limits.probeMillis) ms")
    }

    private func entry(
        _ agent: AgentRegistration, _ state: HealthState, _ detail: String
    ) -> Messages.AgentHealth {
        var entry = Messages.AgentHealth()
        entry.agentID = agent.id.name
        entry.agentType = agent.type
        entry.state = state
        entry.detail = detail.prefix(bytes: 1_024)
        entry.latencyMicros = (SystemClock.monotonicNanos() - startedNanos) / 1_000
        return entry
    }

    private func respond() {
        giveUpTask?.cancel()
        giveUpTask = nil
        var response = CheckHealthResponse()
        let all = results.compactMap { $0 }
        response.state = all.map(\.state).max { $0.severity < $1.severity } ?? .healthy
        response.agents = Self.fitting(all)
        response.omitted = Int32(clamping: all.count - response.agents.count)
        call.respond(response)
    }

    /// What fits into one answer, in its order: healthy instances make room for the others.
    static func fitting(_ all: [Messages.AgentHealth]) -> [Messages.AgentHealth] {
        var budget = PageBudget()
        var fits = all.map { $0.state != .healthy && budget.take($0) }
        for (index, entry) in all.enumerated() where entry.state == .healthy {
            fits[index] = budget.take(entry)
        }
        return zip(all, fits).filter(\.1).map(\.0)
    }
}

extension HealthState {
    /// Larger is worse.
    fileprivate var severity: Int {
        switch self {
        case .healthy: 0
        case .degraded: 1
        case .timedOut: 2
        default: 3
        }
    }
}
