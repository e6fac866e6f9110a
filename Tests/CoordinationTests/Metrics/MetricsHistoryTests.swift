import Testing

@testable import Coordination

struct MetricsHistoryTests {
    @Test func `a window is what two samples differ by`() {
        var rig = SampledMeter()
        rig.pass(seconds: 10)
        rig.meter.runStarted()
        rig.pass(seconds: 10)
        rig.meter.runStarted()
        rig.meter.runClosed(.completed, millis: 500)
        rig.pass(seconds: 10)
        #expect(rig.window(seconds: 5).difference.runs.started == 0)
        #expect(rig.window(seconds: 15).difference.runs.started == 1)
        #expect(rig.window(seconds: 25).difference.runs.started == 2)
        let whole = rig.window(seconds: 86_400)
        #expect(whole.difference.runs.started == 2 && whole.totalRuns == 2)
        #expect(whole.seconds == 30 && whole.start == whole.since)
        #expect(whole.difference.runDurations.meanSeconds == 0.5)
        #expect(rig.window(seconds: 5).totalRuns == 2)
    }

    @Test func `a day is kept by the minute, a quarter of an hour by the second`() {
        var rig = SampledMeter()
        // Each run of a count of its own, so that windows can be told apart.
        for _ in 0..<(26 * 60) {
            for _ in 0..<60 {
                rig.meter.runStarted()
                rig.pass(seconds: 1)
            }
        }
        #expect(rig.window(seconds: 1).difference.runs.started == 1)
        #expect(rig.window(seconds: 899).difference.runs.started == 899)
        let hour = rig.window(seconds: 3_600)
        #expect((3_600...3_660).contains(hour.difference.runs.started))
        #expect(Double(hour.difference.runs.started) == hour.seconds)
        let day = rig.window(seconds: 86_400)
        #expect((86_300...86_460).contains(day.difference.runs.started))
        #expect(rig.history.oldest.nanos > rig.nanos - 86_500_000_000_000)
    }

    @Test func `steps follow each other without a gap and leave nothing out`() {
        var rig = SampledMeter()
        for second in 0..<600 {
            if second % 3 == 0 { rig.meter.runStarted() }
            rig.pass(seconds: 1)
        }
        let start = rig.nanos - 300_000_000_000
        let windows = rig.history.windows(
            fromNanos: start, toNanos: rig.nanos, step: 7_000_000_000)
        #expect(windows.count == 43)
        for (one, next) in zip(windows, windows.dropFirst()) { #expect(one.end == next.start) }
        #expect(windows.first?.start.monotonicNanos == start)
        #expect(windows.last?.end.monotonicNanos == rig.nanos)
        #expect(windows.reduce(0) { $0 + $1.difference.runs.started } == 100)
    }

    @Test func `seconds without a sample go to the step that has the next one`() {
        var rig = SampledMeter()
        rig.pass(seconds: 5)
        rig.now.monotonicNanos += 30_000_000_000
        rig.meter.runStarted()
        rig.pass(seconds: 5)
        let windows = rig.history.windows(fromNanos: 0, toNanos: rig.nanos, step: 1_000_000_000)
        #expect(windows.count == 10)
        #expect(windows[5].seconds == 31 && windows[5].difference.runs.started == 1)
    }

    @Test func `a sample that is not newer is dropped`() {
        var rig = SampledMeter()
        rig.pass(seconds: 3)
        var history = rig.history
        history.record(rig.sample)
        #expect(history.windows(fromNanos: 0, toNanos: .max, step: 1_000_000_000).count == 3)
    }

    @Test func `types beyond the bound stand together`() {
        var reading = MeterReading(
            time: EngineTime(monotonicNanos: 1, wallMillis: 1),
            since: EngineTime(monotonicNanos: 0, wallMillis: 0))
        for number in 0..<100 {
            var type = AgentTypeReading(name: "t\(number)")
            type.work.finished = 1
            type.instances = 2
            reading.add(type)
        }
        #expect(reading.types.count == 65)
        #expect(reading.types.last?.name == "other")
        #expect(reading.types.last?.work.finished == 36 && reading.types.last?.instances == 72)
    }
}
