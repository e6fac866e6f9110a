import Coordination
import Services
import Telemetry

/// The series that `MonitorService` computes its numbers from: the same counts, for a scraper to take
/// differences of. What windows are made of there, `rate` and `increase` are here.
enum MonitorMetrics {
    /// Registers what is read at each scrape from the newest sample, at most a second old. Until the
    /// first sample there is no series.
    static func register(in registry: MetricsRegistry, _ recorder: MetricsRecorder) {
        let source = Source(registry: registry, recorder: recorder)
        registerTypes(source)
        registerServer(source)
        registry.collectedGauge(
            name: "cadre_coordination_health",
            help: "The health score of MonitorService over the last 5 minutes, 0 to 1.",
            unit: .ratio, labels: []
        ) {
            guard let health = recorder.health(ofNanos: 300_000_000_000) else { return [] }
            return [CollectedSample(value: health.score / 100)]
        }
    }

    // MARK: By agent type

    private static func registerTypes(_ source: Source) {
        for row in instances + work { source.register(row) }
    }

    private static let instances: [TypeSeries] = [
        .gauge("cadre_agent_instances", "Instances in the pool.") { Double($0.instances) },
        .gauge(
            "cadre_agent_held_instances",
            "Instances that get no new work: isolated, leaving, or without a connection."
        ) { Double($0.heldInstances) },
        .gauge("cadre_agent_slots", "Slots of all instances.") { Double($0.slots) },
        .gauge("cadre_agent_slots_taken", "Slots that work holds.") { Double($0.taken) },
        .gauge("cadre_agent_waiting_work", "Work that waits for a slot.") { Double($0.waiting) },
        .seconds("cadre_agent_slot_time", "Slot time that was there.") { Double($0.slotNanos) },
        .seconds(
            "cadre_agent_slot_taken_time",
            "Slot time that was taken; its rate over that of cadre_agent_slot_time is the utilization."
        ) { Double($0.takenNanos) },
    ]

    private static let work: [TypeSeries] = [
        .counter("cadre_agent_work_finished", "Assignments whose result was accepted.") {
            Double($0.work.finished)
        },
        .counter("cadre_agent_work_failed", "Those of them that failed.") {
            Double($0.work.failed)
        },
        .seconds("cadre_agent_work_queue", "From when a slot was wanted to its grant.") {
            Double($0.work.queueNanos)
        },
        .seconds("cadre_agent_work_execution", "How long agents say they worked.") {
            Double($0.work.executionNanos)
        },
        .seconds(
            "cadre_coordination_overhead",
            "From a slot's grant to the result, without the agent's work."
        ) { Double($0.work.overheadNanos) },
        .seconds(
            "cadre_communication",
            "From dispatch to the result's arrival, without the agent's work."
        ) { Double($0.work.communicationNanos) },
    ]

    // MARK: Of the server

    private static func registerServer(_ source: Source) {
        source.counter(ofServer: "cadre_work_abandoned", "Work given up before its result came.") {
            Double($0.abandoned)
        }
        source.counters(
            "cadre_recoveries", "Failures that are over, by what had failed.", label: "of"
        ) {
            recoveries($0).map { ($0, Double($1.count)) }
        }
        source.counters(
            "cadre_recovery", "How long failures that are over lasted.", .seconds, label: "of"
        ) { recoveries($0).map { ($0, Double($1.sumNanos) / 1e9) } }
        source.counters("cadre_consensus_ballots", "Ballots that ended.", label: "outcome") {
            [
                ("decided", Double($0.consensus.decided)),
                ("undecided", Double($0.consensus.undecided)),
            ]
        }
        source.counters(
            "cadre_consensus_outcomes", "Decisions whose outcome was reported.", label: "verdict"
        ) {
            [("right", Double($0.consensus.right)), ("wrong", Double($0.consensus.wrong))]
        }
        source.gauge(ofServer: "cadre_breakers", "Breakers.") { Double($0.breakers) }
        source.gauge(ofServer: "cadre_breakers_open", "Breakers that refuse calls.") {
            Double($0.openBreakers)
        }
    }

    private static func recoveries(_ reading: MeterReading) -> [(String, DurationTally)] {
        [
            ("work", reading.workRecoveries), ("agent", reading.agentRecoveries),
            ("breaker", reading.breakerRecoveries),
        ]
    }

    /// Where the numbers come from and where they are registered.
    private struct Source {
        let registry: MetricsRegistry
        let recorder: MetricsRecorder

        func register(_ row: TypeSeries) {
            let read = types(row.value)
            if row.isCounter {
                registry.collectedCounter(
                    name: row.name, help: row.help, unit: row.unit, labels: ["agent_type"],
                    read: read)
            } else {
                registry.collectedGauge(
                    name: row.name, help: row.help, unit: row.unit, labels: ["agent_type"],
                    read: read)
            }
        }

        func counter(
            ofServer name: String, _ help: String,
            _ value: @escaping @Sendable (MeterReading) -> Double
        ) {
            registry.collectedCounter(name: name, help: help) { [recorder] in
                guard let reading = recorder.newest?.reading else { return [] }
                return [CollectedSample(value: value(reading))]
            }
        }

        func counters(
            _ name: String, _ help: String, _ unit: MetricUnit = .none, label: String,
            _ values: @escaping @Sendable (MeterReading) -> [(String, Double)]
        ) {
            registry.collectedCounter(name: name, help: help, unit: unit, labels: [label]) {
                [recorder] in
                guard let reading = recorder.newest?.reading else { return [] }
                return values(reading).map { CollectedSample(labels: [$0], value: $1) }
            }
        }

        func gauge(
            ofServer name: String, _ help: String,
            _ value: @escaping @Sendable (MeterReading) -> Double
        ) {
            registry.collectedGauge(name: name, help: help, labels: []) { [recorder] in
                guard let reading = recorder.newest?.reading else { return [] }
                return [CollectedSample(value: value(reading))]
            }
        }

        private func types(
            _ value: @escaping @Sendable (AgentTypeReading) -> Double
        ) -> @Sendable () -> [CollectedSample] {
            { [recorder] in
                (recorder.newest?.reading.types ?? []).map {
                    CollectedSample(labels: [$0.name], value: value($0))
                }
            }
        }
    }
}

/// One number of every agent type.
private struct TypeSeries: Sendable {
    let name: String
    let help: String
    var unit = MetricUnit.none
    let isCounter: Bool
    let value: @Sendable (AgentTypeReading) -> Double

    static func gauge(
        _ name: String, _ help: String, _ value: @escaping @Sendable (AgentTypeReading) -> Double
    ) -> TypeSeries {
        TypeSeries(name: name, help: help, isCounter: false, value: value)
    }

    static func counter(
        _ name: String, _ help: String, _ value: @escaping @Sendable (AgentTypeReading) -> Double
    ) -> TypeSeries {
        TypeSeries(name: name, help: help, isCounter: true, value: value)
    }

    /// A counter of time, read in nanoseconds.
    static func seconds(
        _ name: String, _ help: String, _ nanos: @escaping @Sendable (AgentTypeReading) -> Double
    ) -> TypeSeries {
        TypeSeries(name: name, help: help, unit: .seconds, isCounter: true) {
            nanos($0) / 1e9
        }
    }
}
