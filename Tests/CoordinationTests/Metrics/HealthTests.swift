import Testing

@testable import Coordination

struct HealthTests {
    @Test func `a server without work is judged by what there is`() {
        let health = HealthAssessment(SampledMeter().window(seconds: 60))
        #expect(health.score == 100)
        #expect(health.coverage == 0.15)
        #expect(health.parts.filter { $0.score != nil }.map(\.name) == ["mode"])
        #expect(health.formula == "100 x (15 x 1 (mode)) / 15 = 100")
    }

    @Test func `the score is the published formula`() throws {
        var rig = SampledMeter()
        rig.meter.slotsCame(4, type: 0, atNanos: rig.nanos)
        for _ in 0..<8 { rig.meter.runClosed(.completed, millis: 10) }
        rig.meter.runClosed(.failed, millis: 10)
        rig.meter.runClosed(.timedOut, millis: 10)
        rig.meter.runClosed(.cancelled, millis: 10)
        // Waits 1 of 4 parts; the server adds half a second.
        for number in 0..<10 {
            rig.finish(queue: 250, prepare: 400, way: 100, work: 250, fails: number < 3)
        }
        rig.gauges = { $0.degraded = 1 }
        rig.calls = [ServiceCalls(service: "a", ended: 50, failed: 5, active: 0, seconds: 1)]
        rig.pass(seconds: 1)
        let health = HealthAssessment(rig.window(seconds: 60))
        let parts = Dictionary(
            uniqueKeysWithValues: health.parts.map { ($0.name, $0.score?.value ?? -1) })
        #expect(parts["runs"] == 0.8)
        #expect(parts["work"] == 0.7)
        #expect(parts["agents"] == 1)
        #expect(parts["mode"] == 0.5)
        #expect(parts["calls"] == 0.9)
        #expect(parts["waiting"] == 0.75)
        let overhead = try #require(parts["overhead"])
        #expect(abs(overhead - (1 - 0.49 / 0.99)) < 1e-9)
        let expected =
            30 * 0.8 + 20 * 0.7 + 15 + 15 * 0.5 + 10 * 0.9 + 5 * 0.75 + 5 * overhead
        #expect(abs(health.score - expected) < 1e-9)
        #expect(health.coverage == 1)
        #expect(health.parts.reduce(0) { $0 + $1.weight } == 100)
    }

    @Test func `an emergency without an instance that works is the worst`() {
        var rig = SampledMeter()
        rig.meter.slotsCame(4, type: 0, atNanos: rig.nanos)
        rig.meter.runClosed(.failed, millis: 10)
        rig.finish(prepare: 5_000, work: 1, fails: true)
        rig.gauges = { $0.emergencies = 1 }
        rig.calls = [ServiceCalls(service: "a", ended: 5, failed: 5, active: 0, seconds: 1)]
        rig.pass(seconds: 1)
        let health = HealthAssessment(rig.window(seconds: 60))
        // Nothing waited, and both instances take work.
        #expect(abs(health.score - 20) < 1e-9, "\(health.formula)")
    }
}
