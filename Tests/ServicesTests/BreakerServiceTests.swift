import GRPC
import Messages
import Stubs
import Testing

struct BreakerServiceTests {
    private typealias Client = BreakerServiceClient

    private func status(_ body: () async throws -> Void) async -> GRPCStatus? {
        do {
            try await body()
            return nil
        } catch {
            return error as? GRPCStatus
        }
    }

    /// Opens at the second failure, for an hour.
    private func definition(_ name: String, boundTo type: String = "") -> BreakerDefinition {
        var rules = CallRules()
        rules.failureCount = 2
        rules.openTimeMillis = 3_600_000
        rules.openJitter = -1
        var definition = BreakerDefinition(name: name, rules: .calls(rules))
        if !type.isEmpty { definition.binding = BreakerBinding(agentType: type) }
        return definition
    }

    private func report(_ name: String, _ permit: PermitResponse) -> BreakerReport {
        BreakerReport(
            name: name,
            content: .call(
                CallReport(permitID: permit.permitID, verdict: .failure, durationMicros: 5)))
    }

    @Test func `reports open a breaker, permits are refused, and it tells why`() async throws {
        try await ServerUnderTest.with { server in
            let breakers = Client(client: server.client)
            let put = try await breakers.putBreaker(PutBreakerRequest(breaker: definition("b")))
            #expect(put.breaker?.state == .closed)
            #expect(put.breaker?.definition?.rules == .calls(effective()))
            for expected in [ReportOutcome.recorded, .changed] {
                let permit = try await breakers.permit(PermitRequest(name: "b"))
                #expect(permit.permitted && !permit.permitID.isEmpty)
                let told = try await breakers.report(
                    ReportRequest(report: report("b", permit)))
                #expect(told.outcome == expected)
            }
            let refused = try await breakers.permit(PermitRequest(name: "b"))
            #expect(!refused.permitted && refused.state == .open)
            #expect(refused.retryAfterMillis > 3_500_000)
            let breaker = try await breakers.getBreaker(GetBreakerRequest(name: "b")).breaker
            #expect(breaker?.lastTrip?.rule == .failureCount)
            #expect(breaker?.lastTrip?.failures == 2)
            #expect(breaker?.counts?.notPermitted == 1)
        }
    }

    /// What the defaults make of ``definition(_:boundTo:)``.
    private func effective() -> CallRules {
        var rules = CallRules()
        rules.windowCalls = 100
        rules.minimumCalls = 20
        rules.slowCallMillis = 60_000
        rules.failureCount = 2
        rules.halfOpenPermits = 5
        rules.successesToClose = 3
        rules.permitTimeoutMillis = 60_000
        rules.openTimeMillis = 3_600_000
        rules.openFactor = 2
        rules.maxOpenTimeMillis = 3_600_000
        rules.openJitter = -1
        rules.decayMillis = 60_000
        rules.severity = .medium
        rules.recovery = .automatic
        return rules
    }

    @Test func `a guarded call is UNAVAILABLE with breaker, state and delay`() async throws {
        try await ServerUnderTest.with { server in
            let breakers = Client(client: server.client)
            _ = try await breakers.putBreaker(
                PutBreakerRequest(breaker: definition("b", boundTo: "probe")))
            _ = try await breakers.forceBreaker(
                ForceBreakerRequest(
                    name: "b", action: .forceOpen, reason: "drill", durationMillis: 60_000))
            let refusal = await status {
                _ = try await AgentServiceClient(client: server.client).invoke(
                    InvokeRequest(agentType: "probe", operation: "say"))
            }
            #expect(refusal?.code == .unavailable && refusal?.reason == "BREAKER_OPEN")
            let info = refusal?.detail(GoogleRpc.ErrorInfo.self)
            #expect(info?.metadata["breaker"] == "b")
            #expect(info?.metadata["state"] == "forced_open")
            #expect(refusal?.retryDelay.map { $0 > .seconds(50) } == true)
            let released = try await breakers.forceBreaker(
                ForceBreakerRequest(name: "b", action: .release))
            #expect(released.breaker?.state == .closed)
            let said = try await AgentServiceClient(client: server.client).invoke(
                InvokeRequest(agentType: "probe", operation: "say"))
            #expect(said.success)
        }
    }

    @Test func `watchers get everything first, then each change`() async throws {
        try await ServerUnderTest.with { server in
            let breakers = Client(client: server.client)
            _ = try await breakers.putBreaker(PutBreakerRequest(breaker: definition("b")))
            var updates = try await breakers.watchBreakers(WatchBreakersRequest())
                .makeAsyncIterator()
            guard case .snapshot(let all) = try await updates.next()?.update else {
                Issue.record("no snapshot came first")
                return
            }
            #expect(all.breakers.map(\.definition?.name) == ["b"])
            _ = try await breakers.forceBreaker(
                ForceBreakerRequest(name: "b", action: .disable, reason: "drill"))
            guard case .changed(let changed) = try await updates.next()?.update else {
                Issue.record("no change came")
                return
            }
            #expect(changed.state == .disabled && changed.override?.reason == "drill")
            _ = try await breakers.deleteBreaker(DeleteBreakerRequest(name: "b"))
            #expect(try await updates.next()?.update == .deleted("b"))
        }
    }

    @Test func `a critical breaker makes an emergency whose actions are acknowledged`() async throws
    {
        try await ServerUnderTest.with { server in
            let breakers = Client(client: server.client)
            var request = SetEmergencyPlanRequest()
            request.plan = EmergencyPlan(actions: [EmergencyAction(name: "halt")])
            request.policy = ModePolicy(dwellMillis: -1, calmMillis: -1)
            _ = try await breakers.setEmergencyPlan(request)
            var modes = try await breakers.watchMode(WatchModeRequest()).makeAsyncIterator()
            #expect(try await modes.next()?.status?.mode == .normal)
            var critical = definition("c")
            if case .calls(var rules) = critical.rules {
                rules.severity = .critical
                critical.rules = .calls(rules)
            }
            _ = try await breakers.putBreaker(PutBreakerRequest(breaker: critical))
            _ = try await breakers.forceBreaker(
                ForceBreakerRequest(name: "c", action: .forceOpen, reason: "drill"))
            let emergency = try await modes.next()?.status
            #expect(emergency?.mode == .emergency && emergency?.openCritical == 1)
            let order = emergency?.actions.first?.order ?? 0
            let done = try await breakers.acknowledgeAction(
                AcknowledgeActionRequest(action: "halt", order: order))
            #expect(done.status?.actions.first?.acknowledged == true)
            let stale = await status {
                _ = try await breakers.acknowledgeAction(
                    AcknowledgeActionRequest(action: "halt", order: order + 7))
            }
            #expect(stale?.code == .failedPrecondition && stale?.reason == "STALE_ORDER")
            let unknown = await status {
                _ = try await breakers.acknowledgeAction(
                    AcknowledgeActionRequest(action: "zz", order: order))
            }
            #expect(unknown?.code == .notFound && unknown?.reason == "ACTION_NOT_FOUND")
        }
    }

    @Test func `isolation is refused for the last instance and unknown agents`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let last = await status {
                _ = try await agents.isolateAgent(
                    IsolateAgentRequest(agentID: "probe/1", reason: "drill"))
            }
            #expect(last?.code == .failedPrecondition && last?.reason == "LAST_INSTANCE")
            let unknown = await status {
                _ = try await agents.restoreAgent(RestoreAgentRequest(agentID: "x"))
            }
            #expect(unknown?.code == .notFound)
            var policy = IsolationPolicy()
            policy.canaries = 7
            policy.windowFailures = -1
            let set = try await agents.setIsolationPolicy(
                SetIsolationPolicyRequest(agentType: "probe", policy: policy))
            #expect(set.policy?.canaries == 7 && set.policy?.consecutiveFailures == 5)
            let held = try await agents.getIsolationPolicy(
                GetIsolationPolicyRequest(agentType: "probe"))
            #expect(held.policy == set.policy)
        }
    }

    // MARK: Bad input

    /// A call with something wrong, and the fields that the answer must name.
    private typealias BadCall = (fields: [String], call: () async throws -> Void)

    private func check(_ calls: [BadCall]) async {
        for (fields, call) in calls {
            let status = await status(call)
            #expect(status?.code == .invalidArgument, "\(fields): \(String(describing: status))")
            #expect(status?.badFields.map(\.path) == fields)
        }
    }

    private let long = String(repeating: "n", count: 257)

    @Test func `every bad field of a definition is named`() async throws {
        try await ServerUnderTest.with { server in
            let breakers = Client(client: server.client)
            var rules = CallRules()
            rules.windowCalls = -1
            rules.successesToClose = 9
            rules.failureRate = 2
            rules.severity = .unrecognized(99)
            let bad = BreakerDefinition(
                name: "", summary: String(repeating: "s", count: 1_025), rules: .calls(rules),
                binding: BreakerBinding(operation: long))
            let put = PutBreakerRequest(breaker: bad, actor: long, requestID: long)
            let fields = [
                "breaker.calls.severity", "breaker.name", "breaker.summary",
                "breaker.binding.agent_type", "breaker.binding.operation",
                "breaker.calls.window_calls", "breaker.calls.failure_rate",
                "breaker.calls.successes_to_close", "actor", "request_id",
            ]
            await check([
                (["breaker"], { _ = try await breakers.putBreaker(PutBreakerRequest()) }),
                (fields, { _ = try await breakers.putBreaker(put) }),
            ])
        }
    }

    @Test func `a report that its breaker does not look at is named by its place`() async throws {
        try await ServerUnderTest.with { server in
            let breakers = Client(client: server.client)
            _ = try await breakers.putBreaker(PutBreakerRequest(breaker: definition("b")))
            let wrong = BreakerReport(name: "b", content: .value(1))
            let unknown = BreakerReport(name: "other", content: .value(1))
            let many = ReportManyRequest(reports: [unknown, wrong])
            await check([
                (
                    ["report.value"],
                    { _ = try await breakers.report(ReportRequest(report: wrong)) }
                ),
                (["reports[1].value"], { _ = try await breakers.reportMany(many) }),
            ])
        }
    }

    @Test func `every bad field of a report is named`() async throws {
        try await ServerUnderTest.with { server in
            let breakers = Client(client: server.client)
            let nameless = ReportRequest(report: BreakerReport())
            let many = ReportManyRequest(reports: [
                BreakerReport(name: "a", content: .value(.nan)),
                BreakerReport(
                    name: "b", content: .call(CallReport(permitID: "zz", durationMicros: -1))),
            ])
            let fields = [
                "reports[0].value", "reports[1].call.permit_id", "reports[1].call.verdict",
                "reports[1].call.duration_micros",
            ]
            await check([
                (["name"], { _ = try await breakers.permit(PermitRequest()) }),
                (["name"], { _ = try await breakers.getBreaker(GetBreakerRequest()) }),
                (["report"], { _ = try await breakers.report(ReportRequest()) }),
                (["report.name", "report.content"], { _ = try await breakers.report(nameless) }),
                (["reports"], { _ = try await breakers.reportMany(ReportManyRequest()) }),
                (fields, { _ = try await breakers.reportMany(many) }),
            ])
        }
    }

    @Test func `every bad field of what people force is named`() async throws {
        try await ServerUnderTest.with { server in
            let breakers = Client(client: server.client)
            let nothing = ForceBreakerRequest(durationMillis: -1)
            let silent = ForceBreakerRequest(name: "b", action: .forceOpen)
            let unknown = SetModeRequest(change: .mode(.unrecognized(7)))
            var plan = SetEmergencyPlanRequest()
            plan.plan = EmergencyPlan(actions: [EmergencyAction()])
            plan.policy = ModePolicy(dwellMillis: -5)
            let request = plan
            await check([
                (
                    ["name"],
                    { _ = try await breakers.deleteBreaker(DeleteBreakerRequest(name: long)) }
                ),
                (
                    ["name", "duration_millis", "action"],
                    { _ = try await breakers.forceBreaker(nothing) }
                ),
                (["reason"], { _ = try await breakers.forceBreaker(silent) }),
                (["change"], { _ = try await breakers.setMode(SetModeRequest()) }),
                (["mode"], { _ = try await breakers.setMode(unknown) }),
                (
                    ["plan.actions[0].name", "policy.dwell_millis"],
                    { _ = try await breakers.setEmergencyPlan(request) }
                ),
                (
                    ["action", "order"],
                    { _ = try await breakers.acknowledgeAction(AcknowledgeActionRequest()) }
                ),
            ])
        }
    }

    @Test func `every bad field of an isolation is named`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let policy = SetIsolationPolicyRequest(policy: IsolationPolicy(maxShare: 2))
            await check([
                (
                    ["agent_id", "reason"],
                    { _ = try await agents.isolateAgent(IsolateAgentRequest()) }
                ),
                (["agent_id"], { _ = try await agents.restoreAgent(RestoreAgentRequest()) }),
                (
                    ["agent_type", "policy.max_share"],
                    { _ = try await agents.setIsolationPolicy(policy) }
                ),
                (
                    ["agent_type"],
                    { _ = try await agents.getIsolationPolicy(GetIsolationPolicyRequest()) }
                ),
            ])
        }
    }
}
