import Telemetry
import Testing
import Threads

/// A registry with one of everything and awkward texts.
func sampleRegistry(writesCreationTimes: Bool = false) -> MetricsRegistry {
    let registry = MetricsRegistry(writesCreationTimes: writesCreationTimes)
    let calls = registry.counter(
        name: "cadre_rpc_calls_total", help: "Calls that ended.", labels: ["method", "code"])
    calls.with("Invoke", "OK").add(3)
    calls.with("a\"b\\c\nd", "é").add()
    registry.counter(name: "cadre_read", help: "Bytes \"read\"\\\nin.", unit: .bytes).with().add(7)
    registry.doubleCounter(name: "cadre_busy", help: "Time spent.", unit: .seconds).with().add(0.25)
    registry.gauge(name: "cadre_queue_length", help: "Commands waiting.").with().set(-2)
    let seconds = registry.histogram(
        name: "cadre_commit_seconds", help: "Commits.", unit: .seconds, labels: ["shard"],
        buckets: [0.001, 0.5, 1, 10]
    ).with("0")
    for value in [0.001, 0.002, 0.5, 0.75, 99] { seconds.observe(value) }
    registry.collectedGauge(name: "cadre_store", help: "Size on disk.", unit: .bytes) { 4096 }
    registry.collectedCounter(name: "cadre_pages", help: "Pages.", labels: ["kind"]) {
        [CollectedSample(labels: ["leaf"], value: 2), CollectedSample(labels: ["inner"], value: 1)]
    }
    registry.info(name: "cadre_build_info", help: "This build.", facts: [("version", "0.1.0")])
    return registry
}

@Suite struct RenderingTests {
    private func text(_ registry: MetricsRegistry, _ format: MetricsFormat) -> [Substring] {
        String(decoding: registry.render(format), as: UTF8.self).split(separator: "\n")
    }

    @Test func `Prometheus text has types, suffixes, escapes and cumulated buckets`() {
        let expected = #"""
            # HELP cadre_build_info This build.
            # TYPE cadre_build_info gauge
            cadre_build_info{version="0.1.0"} 1
            # HELP cadre_busy_seconds_total Time spent.
            # TYPE cadre_busy_seconds_total counter
            cadre_busy_seconds_total 0.25
            # HELP cadre_commit_seconds Commits.
            # TYPE cadre_commit_seconds histogram
            cadre_commit_seconds_bucket{shard="0",le="0.001"} 1
            cadre_commit_seconds_bucket{shard="0",le="0.5"} 3
            cadre_commit_seconds_bucket{shard="0",le="1"} 4
            cadre_commit_seconds_bucket{shard="0",le="10"} 4
            cadre_commit_seconds_bucket{shard="0",le="+Inf"} 5
            cadre_commit_seconds_sum{shard="0"} 100.253
            cadre_commit_seconds_count{shard="0"} 5
            # HELP cadre_pages_total Pages.
            # TYPE cadre_pages_total counter
            cadre_pages_total{kind="inner"} 1.0
            cadre_pages_total{kind="leaf"} 2.0
            # HELP cadre_queue_length Commands waiting.
            # TYPE cadre_queue_length gauge
            cadre_queue_length -2.0
            # HELP cadre_read_bytes_total Bytes "read"\\\nin.
            # TYPE cadre_read_bytes_total counter
            cadre_read_bytes_total 7
            # HELP cadre_rpc_calls_total Calls that ended.
            # TYPE cadre_rpc_calls_total counter
            cadre_rpc_calls_total{method="Invoke",code="OK"} 3
            cadre_rpc_calls_total{method="a\"b\\c\nd",code="é"} 1
            # HELP cadre_store_bytes Size on disk.
            # TYPE cadre_store_bytes gauge
            cadre_store_bytes 4096.0
            """#
        #expect(text(sampleRegistry(), .prometheusText) == expected.split(separator: "\n"))
    }

    @Test func `OpenMetrics names families without suffix, tells units and ends with EOF`() {
        let expected = #"""
            # HELP cadre_build This build.
            # TYPE cadre_build info
            cadre_build_info{version="0.1.0"} 1
            # HELP cadre_busy_seconds Time spent.
            # TYPE cadre_busy_seconds counter
            # UNIT cadre_busy_seconds seconds
            cadre_busy_seconds_total 0.25
            # HELP cadre_commit_seconds Commits.
            # TYPE cadre_commit_seconds histogram
            # UNIT cadre_commit_seconds seconds
            cadre_commit_seconds_bucket{shard="0",le="0.001"} 1
            cadre_commit_seconds_bucket{shard="0",le="0.5"} 3
            cadre_commit_seconds_bucket{shard="0",le="1.0"} 4
            cadre_commit_seconds_bucket{shard="0",le="10.0"} 4
            cadre_commit_seconds_bucket{shard="0",le="+Inf"} 5
            """#
        let lines = text(sampleRegistry(), .openMetrics)
        #expect(Array(lines.prefix(15)) == expected.split(separator: "\n"))
        #expect(lines.contains(##"# HELP cadre_read_bytes Bytes \"read\"\\\nin."##))
        #expect(lines.last == "# EOF")
        #expect(!lines.contains { $0.contains("_created") })
    }

    @Test func `creation times are told in OpenMetrics when asked for`() throws {
        let before = Double(SystemClock.wallMillis()) / 1000
        let lines = text(sampleRegistry(writesCreationTimes: true), .openMetrics)
        let line = try #require(lines.first { $0.hasPrefix("cadre_busy_seconds_created ") })
        let created = try #require(line.split(separator: " ").last.flatMap { Double($0) })
        #expect(created >= before && created < before + 60)
        #expect(lines.contains { $0.hasPrefix(#"cadre_commit_seconds_created{shard="0"} "#) })
        let plain = text(sampleRegistry(writesCreationTimes: true), .prometheusText)
        #expect(!plain.contains { $0.contains("_created") })
    }

    @Test func `numbers beyond the ordinary have their words`() {
        let registry = MetricsRegistry()
        let gauge = registry.gauge(name: "odd", help: "Odd numbers.", labels: ["n"])
        gauge.with("1").set(Double.nan)
        gauge.with("2").set(Double.infinity)
        gauge.with("3").set(-Double.infinity)
        let lines = text(registry, .prometheusText)
        #expect(lines.suffix(3) == [#"odd{n="1"} NaN"#, #"odd{n="2"} +Inf"#, #"odd{n="3"} -Inf"#])
    }

    @Test func `a family without series and an empty source are left out`() {
        let registry = MetricsRegistry()
        _ = registry.counter(name: "unused", help: "Nothing yet.", labels: ["a"])
        registry.collectedGauge(name: "empty", help: "Nothing.", labels: ["a"]) { [] }
        #expect(registry.render(.prometheusText).isEmpty)
        #expect(text(registry, .openMetrics) == ["# EOF"])
    }

    @Test(
        arguments: [
            (nil, .prometheusText), ("", .prometheusText), ("*/*", .prometheusText),
            ("text/plain", .prometheusText), ("application/openmetrics-text", .openMetrics),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
                .openMetrics
            ),
            ("application/openmetrics-text; q=0.2, text/plain; q=0.9", .prometheusText),
            ("Application/OpenMetrics-Text;q=0", .prometheusText), ("text/html", .prometheusText),
            ("application/openmetrics-text;q=junk", .openMetrics),
        ] as [(String?, MetricsFormat)])
    func `the scraper's preferred format is chosen`(accept: String?, format: MetricsFormat) {
        #expect(MetricsFormat(accept: accept) == format)
    }
}
