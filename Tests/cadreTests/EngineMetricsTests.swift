import Coordination
import Engine
import Telemetry
import Testing

@testable import cadre

@Suite struct EngineMetricsTests {
    private func lines(_ registry: MetricsRegistry) -> [String] {
        String(decoding: registry.render(.prometheusText), as: UTF8.self).split(separator: "\n")
            .filter { !$0.hasPrefix("#") }.map(String.init)
    }

    @Test func `the default namespace's mode is its own series however many breakers there are`() {
        let registry = MetricsRegistry()
        let metrics = EngineMetrics(registry)
        for number in 0..<230 {
            metrics.noted(
                .breakerState(
                    namespace: Namespace("crowd"), name: "b\(number)", state: .closed))
        }
        metrics.noted(.operatingMode(namespace: .default, mode: .emergency))
        let modes = lines(registry).filter { $0.hasPrefix("cadre_operating_mode") }
        #expect(modes == [#"cadre_operating_mode{namespace="default"} 2.0"#])
    }

    @Test func `the default namespace's mode is its own series however many others there are`() {
        let registry = MetricsRegistry()
        let metrics = EngineMetrics(registry)
        for number in 0..<230 {
            metrics.noted(.operatingMode(namespace: Namespace("n\(number)"), mode: .normal))
        }
        metrics.noted(.operatingMode(namespace: .default, mode: .degraded))
        let modes = lines(registry).filter { $0.hasPrefix("cadre_operating_mode") }
        #expect(modes.count == 201)
        #expect(modes.contains(#"cadre_operating_mode{namespace="default"} 1.0"#))
        #expect(modes.contains(#"cadre_operating_mode{namespace="_other"} 0.0"#))
    }

    @Test func `what the engine tells is counted by subject`() {
        let registry = MetricsRegistry()
        let metrics = EngineMetrics(registry)
        metrics.workflowStarted(definition: "w")
        metrics.workflowRecovered(definition: "w")
        metrics.workflowClosed(definition: "w", status: .timedOut, seconds: 2)
        metrics.openRuns(3)
        metrics.batchCommitted(commands: 2, rows: 5, seconds: 0.01)
        metrics.rejected(reason: "FULL")
        metrics.staleResult()
        metrics.published(count: 4)
        metrics.noted(EventNotice.gap)
        let all = lines(registry)
        for line in [
            #"cadre_workflow_started_total{workflow="w"} 1"#,
            #"cadre_workflow_active{workflow="w"} 1.0"#,
            #"cadre_workflow_closed_total{workflow="w",status="timed_out"} 1"#,
            "cadre_engine_open_runs 3.0", "cadre_engine_batch_commands_sum 2.0",
            "cadre_store_commit_rows_sum 5.0", #"cadre_engine_rejected_total{reason="FULL"} 1"#,
            "cadre_engine_stale_results_total 1", "cadre_event_published_total 4",
            #"cadre_event_subscriber_changes_total{change="gap"} 1"#,
        ] { #expect(all.contains(line), "\(line)") }
    }
}
