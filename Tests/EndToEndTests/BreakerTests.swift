import JSON
import Messages
import Stubs
import Testing

/// Breakers and the operating mode on the real binary: over a kill, and with the server's own agents.
struct BreakerTests {
    private func json(_ ended: CadreBinary.Ended) throws -> JSONView {
        #expect(ended.status == 0, "\(ended.errors)")
        return try JSONDocument(parsing: Array(ended.output.utf8)).root
    }

    @Test func `a forced breaker refuses calls, also after a kill, until it is reset`() async throws
    {
        let directory = try TemporaryDirectory()
        let first = try await RunningServer.start(directory, ["--with-echo"])
        _ = try json(
            try await first.cadre(
                "breaker", "put", "guard", "--agent-type", "echo", "--severity", "critical", "-o",
                "json"))
        _ = try json(
            try await first.cadre(
                "breaker", "force", "guard", "open", "--reason", "drill", "--for", "600", "-o",
                "json"))
        first.kill()
        _ = await first.command.ended()

        let second = try await RunningServer.start(directory, ["--with-echo"])
        let refused = try await second.cadre("agent", "invoke", "echo", "say")
        // The server has answered: that is not 69, which says that there is none.
        #expect(refused.status == 1)
        #expect(refused.errors.contains("forced_open"), "\(refused.errors)")
        let mode = try json(try await second.cadre("mode", "show", "-o", "json"))
        #expect(mode["mode"]?.string == "emergency")
        let reset = try json(
            try await second.cadre("breaker", "force", "guard", "reset", "-o", "json"))
        #expect(reset["state"]?.string == "closed")
        let passed = try await second.cadre("agent", "invoke", "echo", "say")
        #expect(passed.status == 0, "\(passed.errors)")
        #expect(await second.terminate() == 0)
    }

    @Test func `an emergency has an agent act, and acknowledges what it did`() async throws {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(directory, ["--with-echo"])
        try await server.withClient { client in
            let breakers = BreakerServiceClient(client: client)
            let halt = AgentCall(agentType: "echo", operation: "say")
            let broken = AgentCall(agentType: "nobody", operation: "say")
            var request = SetEmergencyPlanRequest()
            request.plan = EmergencyPlan(actions: [
                EmergencyAction(name: "halt", apply: halt),
                EmergencyAction(name: "broken", apply: broken),
            ])
            _ = try await breakers.setEmergencyPlan(request)
            _ = try await breakers.setMode(
                SetModeRequest(change: .mode(.emergency), reason: "drill"))
            for try await update in try await breakers.watchMode(WatchModeRequest()) {
                let actions = update.status?.actions ?? []
                guard actions.first?.acknowledged == true else { continue }
                #expect(actions.map(\.name) == ["halt", "broken"])
                #expect(actions.last?.acknowledged == false)
                return
            }
            Issue.record("the action was never acknowledged")
        }
        #expect(await server.terminate() == 0)
    }

    @Test func `agents ask the exchange's breaker at hand, and it refuses without a request`()
        async
        throws
    {
        let directory = try TemporaryDirectory()
        // Nobody listens on the port of an `echo` of old; a connection is refused at once.
        let server = try await RunningServer.start(directory, ["--market", "http://127.0.0.1:7"])
        try await server.withClient { client in
            let agents = AgentServiceClient(client: client)
            let breakers = BreakerServiceClient(client: client)
            func failure() async throws -> Failure {
                let answer = try await agents.invoke(
                    InvokeRequest(agentType: "mexc-api", operation: "server_time"))
                guard case .error(let failure) = answer.outcome else { return Failure() }
                return failure
            }
            var types: [String] = []
            // The tenth failure opens it; the copy of it may hear of that a moment later.
            while types.last != "exchange_breaker_open", types.count < 1_000 {
                types.append(try await failure().type)
            }
            #expect(types.prefix(10).allSatisfy { $0 == "exchange_unreachable" }, "\(types)")
            #expect(types.last == "exchange_breaker_open")
            #expect(try await failure().retryAfterMillis > 0)
            let breaker = try await breakers.getBreaker(
                GetBreakerRequest(name: "mexc-exchange")
            ).breaker
            #expect(breaker?.state == .open)
            #expect(breaker?.lastTrip != nil)
            _ = try await breakers.forceBreaker(
                ForceBreakerRequest(name: "mexc-exchange", action: .reset))
            var after = try await failure()
            for _ in 0..<1_000 where after.type != "exchange_unreachable" {
                after = try await failure()
            }
            #expect(after.type == "exchange_unreachable", "a closed breaker lets requests through")
        }
        #expect(await server.terminate() == 0)
    }
}
