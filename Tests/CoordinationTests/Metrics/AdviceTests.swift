import Testing

@testable import Coordination

struct AdviceTests {
    private func reasons(_ report: CoordinationReport) -> [Advice.Reason] {
        report.advice.map(\.reason)
    }

    @Test func `where nothing happens there is nothing to say`() {
        var rig = SampledMeter()
        rig.pass(seconds: 120)
        #expect(rig.report(seconds: 60).advice.isEmpty)
    }

    @Test func `good work needs no advice`() {
        var rig = SampledMeter()
        rig.meter.slotsCame(4, type: 0, atNanos: rig.nanos)
        for _ in 0..<120 {
            rig.finish(way: 1, work: 20)
            rig.meter.runStarted()
            rig.meter.runClosed(.completed, millis: 21)
            rig.pass(seconds: 1)
        }
        #expect(rig.report(seconds: 100).advice.isEmpty)
    }

    @Test func `a full pool whose work waits is told of, with both numbers`() throws {
        var rig = SampledMeter()
        rig.meter.slotsCame(1, type: 0, atNanos: rig.nanos)
        rig.meter.slotTaken(type: 0, atNanos: rig.nanos)
        for _ in 0..<60 {
            rig.finish(queue: 3_000, way: 1, work: 900)
            rig.pass(seconds: 1)
        }
        let report = rig.report(seconds: 60)
        let advice = try #require(report.advice.first { $0.reason == .poolSaturated })
        #expect(advice.agentType == "risk" && advice.severity == .critical)
        #expect(advice.evidence.map(\.series) == [.utilization, .queueTime])
        #expect(advice.evidence[0].observed == 1 && advice.evidence[0].threshold == 0.85)
        #expect(abs(advice.evidence[1].observed - 3) < 1e-9)
        #expect(advice.evidence[1].observations == 60)
    }

    @Test func `failures, slow commits, refused calls and wrong votes are told of`() {
        var rig = SampledMeter()
        rig.meter.slotsCame(4, type: 0, atNanos: rig.nanos)
        for number in 0..<40 {
            rig.finish(prepare: 200, work: 10, fails: number % 2 == 0)
            rig.meter.runClosed(number % 3 == 0 ? .completed : .failed, millis: 9)
            rig.meter.committed(commands: 1, nanos: 300_000_000)
            rig.meter.noted(.outcome(isRight: number % 4 == 0))
        }
        rig.meter.breakerOpened()
        rig.gauges = {
            $0.breakers = 3
            $0.emergencies = 1
        }
        rig.calls = [ServiceCalls(service: "s", ended: 100, failed: 30, active: 0, seconds: 1)]
        rig.pass(seconds: 1)
        let report = rig.report(seconds: 60)
        let found = Set(reasons(report))
        #expect(
            found == [
                .operatingMode, .breakersOpen, .runsFailing, .overheadDominates, .commitsSlow,
                .callsFailing, .consensusWrong, .workFailing,
            ])
        let severities = report.advice.map(\.severity)
        #expect(severities == severities.sorted(by: >))
        #expect(report.advice.allSatisfy { !$0.evidence.isEmpty && !$0.text.isEmpty })
    }

    @Test func `few observations say nothing`() {
        var rig = SampledMeter()
        rig.meter.slotsCame(4, type: 0, atNanos: rig.nanos)
        for _ in 0..<19 {
            rig.finish(work: 10, fails: true)
            rig.meter.runClosed(.failed, millis: 9)
            rig.meter.noted(.outcome(isRight: false))
        }
        rig.pass(seconds: 1)
        #expect(rig.report(seconds: 60).advice.isEmpty)
    }

    @Test func `what rises for sure is told of with its slope`() throws {
        var rig = SampledMeter()
        for second in 0..<240 {
            rig.meter.runStarted()
            rig.meter.runStarted()
            rig.meter.runClosed(.completed, millis: Int64(100 + second * 10))
            let active = Int64(second)
            rig.gauges = { $0.activeRuns = active }
            rig.pass(seconds: 1)
        }
        let report = rig.report(seconds: 240)
        #expect(Set(reasons(report)) == [.runsPileUp, .runsSlower])
        let slower = try #require(report.advice.first { $0.reason == .runsSlower })
        #expect(slower.evidence[0].isSlope)
        // 10 ms more each second.
        #expect(abs(slower.evidence[0].observed - 36) < 0.5)
        let trend = try #require(report.trends.first { $0.series == .workflowDuration })
        #expect(trend.direction == .rising && trend.line.points == 60)
        #expect((trend.line.confidence ?? 0) > 0.999_999)
    }

    @Test func `what was never measured has no trend`() {
        var rig = SampledMeter()
        rig.pass(seconds: 30)
        let series = Set(rig.report(seconds: 60).trends.map(\.series))
        #expect(series == [.activeWorkflows, .workflowStarts, .openBreakers, .operatingMode])
    }
}
