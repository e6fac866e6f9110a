import Messages
import Testing

@testable import cadre

struct VoterArgumentTests {
    @Test func `a voter is a type, an instance or all of a type, with a weight`() throws {
        let one = try Voter(argument: "echo")
        #expect(one.agentType == "echo" && one.weight == 0 && !one.everyInstance)
        let heavy = try Voter(argument: "echo@echo/1=2.5")
        #expect(heavy.agentType == "echo" && heavy.agentID == "echo/1" && heavy.weight == 2.5)
        let all = try Voter(argument: "echo:*=3")
        #expect(all.agentType == "echo" && all.everyInstance && all.weight == 3)
    }

    @Test(arguments: ["echo=0", "echo=-1", "echo=nan", "echo=", "echo=much"])
    func `a weight that would not count as it stands is refused`(argument: String) {
        #expect(throws: Failed.self) { try Voter(argument: argument) }
    }
}
