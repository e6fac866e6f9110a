import Foundation
import Telemetry

/// The series of the process itself.
enum ProcessMetrics {
    /// Registers what is read at each scrape.
    static func register(in registry: MetricsRegistry, startedSeconds: Double) {
        registry.info(
            name: "cadre_build_info", help: "What runs here.",
            facts: [("version", CadreVersion.current)])
        registry.collectedGauge(
            name: "process_start_time", help: "When the process started, Unix time.",
            unit: .seconds
        ) { startedSeconds }
        registry.collectedCounter(
            name: "process_cpu", help: "Processor time used, user and system.", unit: .seconds
        ) { [CollectedSample(value: cpuSeconds)] }
        registry.collectedGauge(
            name: "process_resident_memory", help: "Memory in RAM.", unit: .bytes
        ) { residentBytes }
    }

    /// clock(3): processor time of the whole process.
    private static var cpuSeconds: Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

    /// From /proc/self/statm (proc(5)); 0 where there is none.
    private static var residentBytes: Double {
        guard let data = FileManager.default.contents(atPath: "/proc/self/statm") else { return 0 }
        let fields = String(decoding: data, as: UTF8.self).split(separator: " ")
        let pages = fields.count > 1 ? Double(fields[1]) ?? 0 : 0
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }
}
