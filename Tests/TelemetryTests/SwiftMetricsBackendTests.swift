import CoreMetrics
import Telemetry
import Testing

@Suite struct SwiftMetricsBackendTests {
    private let registry = MetricsRegistry()

    private var samples: [Substring] {
        String(decoding: registry.render(.prometheusText), as: UTF8.self)
            .split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.contains("_bucket") }
    }

    @Test func `each kind of instrument arrives as its Prometheus kind`() {
        let backend = SwiftMetricsBackend(registry: registry)
        let counter = backend.makeCounter(label: "http.requests", dimensions: [("code", "200")])
        counter.increment(by: 2)
        counter.increment(by: -1)
        backend.makeFloatingPointCounter(label: "cpu", dimensions: []).increment(by: 0.5)
        let meter = backend.makeMeter(label: "pool-size", dimensions: [])
        meter.set(4.0)
        meter.increment(by: 2)
        meter.decrement(by: 1)
        backend.makeRecorder(label: "last", dimensions: [], aggregate: false).record(Int64(9))
        backend.makeRecorder(label: "sizes", dimensions: [], aggregate: true).record(1.5)
        backend.makeTimer(label: "wait", dimensions: []).recordNanoseconds(250_000_000)
        #expect(
            samples == [
                "cpu_total 0.5", #"http_requests_total{code="200"} 2"#, "last 9.0", "pool_size 5.0",
                "sizes_sum 1.5", "sizes_count 1", "wait_seconds_sum 0.25", "wait_seconds_count 1",
            ])
    }

    @Test func `dimension names of the first instrument hold for all`() {
        let backend = SwiftMetricsBackend(registry: registry)
        let both = [("a", "1"), ("b", "2")]
        backend.makeCounter(label: "n", dimensions: both).increment(by: 1)
        backend.makeCounter(label: "n", dimensions: both.reversed()).increment(by: 1)
        backend.makeCounter(label: "n", dimensions: [("a", "1"), ("z", "3")]).increment(by: 1)
        #expect(samples == [#"n_total{a="1",b=""} 1"#, #"n_total{a="1",b="2"} 2"#])
    }

    @Test func `names that cannot be used count into nothing and stop nothing`() {
        let backend = SwiftMetricsBackend(registry: registry)
        backend.makeCounter(label: "x", dimensions: []).increment(by: 1)
        backend.makeMeter(label: "x", dimensions: []).set(5.0)
        backend.makeMeter(label: "y", dimensions: [("__reserved", "1")]).set(5.0)
        backend.makeMeter(label: "9 lives", dimensions: []).set(1.0)
        backend.makeMeter(label: "", dimensions: []).set(1.0)
        #expect(samples == ["_ 1.0", "_9_lives 1.0", "x_total 1"])
    }
}
