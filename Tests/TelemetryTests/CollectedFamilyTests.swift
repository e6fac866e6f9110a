import Telemetry
import Testing
import Threads

@Suite struct CollectedFamilyTests {
    private let samples = Locked<[(String, Double)]>([])

    private func lines(_ registry: MetricsRegistry, of name: String = "held") -> [String] {
        String(decoding: registry.render(.prometheusText), as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix(name) }.map(String.init)
    }

    private func registry(limit: Int) -> MetricsRegistry {
        let registry = MetricsRegistry(seriesLimit: limit)
        registry.collectedGauge(name: "held", help: "Held.", labels: ["type"]) { [samples] in
            samples.snapshot.map { CollectedSample(labels: [$0.0], value: $0.1) }
        }
        return registry
    }

    @Test func `collected series beyond the bound are one series called other`() {
        let registry = registry(limit: 2)
        samples.withLock { $0 = [("d", 8), ("b", 2), ("a", 1), ("c", 4)] }
        #expect(
            lines(registry) == [
                #"held{type="a"} 1.0"#, #"held{type="b"} 2.0"#, #"held{type="other"} 12.0"#,
            ])
        // A page is written in the order of names: this one shows the refusals of the one before.
        #expect(
            lines(registry, of: "cadre_metrics") == [
                #"cadre_metrics_label_sets_refused_total{metric="held"} 2"#
            ])
    }

    @Test func `a collected series keeps its place from those that come later`() {
        let registry = registry(limit: 2)
        samples.withLock { $0 = [("m", 1), ("total", 2)] }
        #expect(lines(registry) == [#"held{type="m"} 1.0"#, #"held{type="total"} 2.0"#])
        samples.withLock { $0 = [("a", 4), ("m", 1), ("total", 3)] }
        #expect(
            lines(registry) == [
                #"held{type="m"} 1.0"#, #"held{type="other"} 4.0"#, #"held{type="total"} 3.0"#,
            ])
        samples.withLock { $0 = [("a", 4), ("total", 3)] }
        #expect(
            lines(registry) == [#"held{type="a"} 4.0"#, #"held{type="total"} 3.0"#])
    }

    @Test func `a label set that is called other shares its series`() {
        let registry = registry(limit: 1)
        samples.withLock { $0 = [("other", 1)] }
        #expect(lines(registry) == [#"held{type="other"} 1.0"#])
        samples.withLock { $0 = [("a", 4), ("other", 1)] }
        #expect(lines(registry) == [#"held{type="other"} 5.0"#])
    }
}
