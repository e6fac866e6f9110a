import Telemetry
import Testing

@Suite struct InstrumentTests {
    @Test func `additions from many threads are all counted`() async {
        let counter = Counter()
        let sum = DoubleCounter()
        let gauge = Gauge()
        let histogram = Histogram(buckets: [1, 2])
        await inParallel(4) { thread in
            for _ in 0..<5_000 {
                counter.add()
                sum.add(0.5)
                gauge.add(thread % 2 == 0 ? 1 : -1)
                histogram.observe(Double(thread))
            }
        }
        #expect(counter.value == 20_000)
        #expect(sum.value == 10_000)
        #expect(gauge.value == 0)
        #expect(histogram.bucketCounts == [10_000, 5_000, 5_000])
        #expect(histogram.sum == 30_000)
        #expect(histogram.count == 20_000)
    }

    @Test func `a sum that only grows ignores what would make it shrink`() {
        let sum = DoubleCounter()
        sum.add(1.5)
        sum.add(-1)
        sum.add(.nan)
        #expect(sum.value == 1.5)
    }

    @Test func `a gauge is set, raised and lowered`() {
        let gauge = Gauge()
        gauge.set(5)
        gauge.add(2.5)
        gauge.subtract()
        #expect(gauge.value == 6.5)
    }

    @Test(arguments: [
        (-1.0, 0), (0, 0), (0.001, 0), (0.0011, 1), (0.5, 1), (1, 2), (1.0001, 3), (1e300, 3),
        (-Double.infinity, 0), (Double.infinity, 3),
    ])
    func `a bound is part of its own range`(value: Double, range: Int) {
        let histogram = Histogram(buckets: [0.001, 0.5, 1])
        histogram.observe(value)
        #expect(histogram.bucketCounts.firstIndex(of: 1) == range)
        #expect(histogram.count == 1)
    }

    @Test func `NaN is not observed`() {
        let histogram = Histogram(buckets: [1])
        histogram.observe(.nan)
        #expect(histogram.count == 0 && histogram.sum == 0)
    }

    @Test func `durations are observed in seconds`() {
        let histogram = Histogram(buckets: .callSeconds)
        histogram.observe(.milliseconds(1_500))
        histogram.observe(nanos: 500_000_000)
        #expect(histogram.sum == 2)
    }

    @Test func `bounds can grow by a factor`() {
        #expect(
            HistogramBuckets.exponential(start: 1, factor: 4, count: 4).upperBounds == [
                1, 4, 16, 64,
            ])
        #expect(HistogramBuckets.bytes.upperBounds.last == 16_777_216)
        #expect(HistogramBuckets.batchSizes.upperBounds.last == 1_024)
    }
}

@Suite struct FamilyTests {
    @Test func `the same name gives the same family, the same labels the same instrument`() {
        let registry = MetricsRegistry()
        let first = registry.counter(name: "calls", help: "Calls.", labels: ["code"])
        let again = registry.counter(name: "calls_total", help: "Calls again.", labels: ["code"])
        #expect(first === again)
        #expect(first.with("OK") === again.with("OK"))
        #expect(first.with("OK") !== first.with("ABORTED"))
    }

    @Test func `label sets beyond the bound are counted as other, and so is their refusal`() {
        let registry = MetricsRegistry(seriesLimit: 2)
        let calls = registry.counter(name: "calls", help: "Calls.", labels: ["user", "code"])
        for user in 0..<10 { calls.with("u\(user)", "OK").add() }
        calls.with("u0", "OK").add()
        let text = String(decoding: registry.render(.prometheusText), as: UTF8.self)
        let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(
            samples == [
                #"cadre_metrics_label_sets_refused_total{metric="calls"} 8"#,
                #"calls_total{user="other",code="other"} 8"#,
                #"calls_total{user="u0",code="OK"} 2"#,
                #"calls_total{user="u1",code="OK"} 1"#,
            ])
    }

    @Test func `a collected metric is bounded too`() {
        let registry = MetricsRegistry(seriesLimit: 2)
        registry.collectedGauge(name: "load", help: "Load.", labels: ["agent"]) {
            (0..<5).map { CollectedSample(labels: ["a\($0)"], value: 1) }
        }
        let text = String(decoding: registry.render(.prometheusText), as: UTF8.self)
        #expect(
            text.split(separator: "\n").filter { $0.hasPrefix("load{") } == [
                #"load{agent="a0"} 1.0"#, #"load{agent="a1"} 1.0"#, #"load{agent="other"} 3.0"#,
            ])
    }

    @Test func `registering a source again replaces it`() {
        let registry = MetricsRegistry()
        for value in [1.0, 2.0] {
            registry.collectedGauge(name: "size", help: "Size.") { value }
        }
        let text = String(decoding: registry.render(.prometheusText), as: UTF8.self)
        #expect(text.hasSuffix("\nsize 2.0\n"))
    }

    @Test func `a removed series is gone, and starts at zero when it comes back`() {
        let registry = MetricsRegistry()
        let gauge = registry.gauge(name: "slots", help: "Slots.", labels: ["agent"])
        gauge.with("a").set(3)
        gauge.remove("a")
        #expect(registry.render(.prometheusText).isEmpty)
        #expect(gauge.with("a").value == 0)
    }

    @Test func `scraping while series are made sees whole lines`() async {
        let registry = MetricsRegistry()
        let calls = registry.counter(name: "calls", help: "Calls.", labels: ["n"])
        await inParallel(3) { thread in
            for number in 0..<100 {
                if thread == 0 {
                    _ = registry.render(.openMetrics)
                } else {
                    calls.with("\(number)").add()
                }
            }
        }
        let text = String(decoding: registry.render(.prometheusText), as: UTF8.self)
        let samples = text.split(separator: "\n").filter { $0.hasSuffix("} 2") }
        #expect(samples.count == 100)
    }
}

/// Runs `body` as that many tasks at the same time. Nothing here blocks, so tasks will do.
private func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async {
    await withDiscardingTaskGroup { group in
        for index in 0..<count {
            group.addTask { body(index) }
        }
    }
}
