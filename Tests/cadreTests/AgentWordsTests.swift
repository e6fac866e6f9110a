import Messages
import Testing

@testable import cadre

struct AgentWordsTests {
    @Test func `an agent's state says why it gets nothing new`() {
        var agent = Messages.Agent()
        #expect(agent.stateWords == "healthy")
        agent.holds = ["no_credit"]
        #expect(agent.stateWords == "healthy")
        agent.holds = ["disconnected", "draining"]
        #expect(agent.stateWords == "disconnected draining")
        var isolation = Messages.Isolation()
        isolation.state = .isolated
        agent.isolation = isolation
        #expect(agent.stateWords == "isolated disconnected draining")
    }
}
