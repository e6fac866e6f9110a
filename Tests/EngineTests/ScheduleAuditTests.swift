import Coordination
import Store
import Testing

@testable import Engine

/// Changes of schedules are in the audit log; events that start nothing are heard of.
@Suite struct ScheduleAuditTests {
    @Test func `every change of a schedule is a line of the audit log`() {
        let by = Signature(actor: "ann")
        var bench = KeyEngineTests.bench(WorkflowDefinition.chain(1))
        let name = ScheduleTests.name
        let changes: [ScheduleCommand] = [
            .put(ScheduleTests.schedule(), by: by), .pause(name, reason: "lunch", by: by),
            .pause(name, reason: "again", by: by), .resume(name, reason: "back", by: by),
            .trigger(name, requestID: "r", by: by), .get(name), .delete(name, by: by),
        ]
        for change in changes { bench.send { .schedule(change, $0) } }
        #expect(
            bench.audits.map(\.action) == [
                "PutSchedule", "PauseSchedule", "ResumeSchedule", "TriggerSchedule",
                "DeleteSchedule",
            ])
        #expect(Set(bench.audits.map(\.subject)) == ["schedule/s"])
        #expect(Set(bench.audits.map(\.actor)) == ["ann"])
        #expect(bench.audits.first?.after == "starts chain")
        #expect(bench.audits[1].after == "lunch")
    }

    @Test func `an event that starts nothing, since it is nested too deep, is heard of`() {
        var loop = WorkflowDefinition(
            name: "loop", version: "1",
            steps: [ExplainTests.bare("tell", .publish(eventType: "again"))])
        loop.triggers = ["again"]
        var bench = KeyEngineTests.bench(loop)
        _ = bench.start("loop")
        let skipped = bench.notices.filter {
            $0 == .triggerSkipped(definition: "loop", reason: "depth")
        }
        #expect(skipped.count == 1)
    }
}
