import JSON
import Messages

/// The JSON forms of coordination metrics. Field names are those of the proto; what was not measured
/// is not there.
extension JSONWriter {
    mutating func member(_ name: String, _ number: Double) {
        key(name)
        double(number)
    }

    /// The members of a window's numbers, into an object that is open.
    mutating func members(of metrics: CoordinationMetrics) {
        let window = metrics.window ?? MetricsWindow()
        object("window") {
            $0.member("start", Instant.text(window.startUnixMillis))
            $0.member("end", Instant.text(window.endUnixMillis))
            $0.member("counting_since", Instant.text(window.countingSinceUnixMillis))
        }
        if let workflows = metrics.workflows { object("workflows") { $0.members(of: workflows) } }
        if let work = metrics.work { object("work") { $0.members(of: work) } }
        member("agent_types", metrics.agentTypes) { $0.agentType($1) }
        object("overhead") {
            $0.summary("duration", metrics.overhead?.duration)
            $0.measure("share", metrics.overhead?.share)
        }
        summary("communication_latency", metrics.communicationLatency)
        object("consensus") {
            $0.member("decided", metrics.consensus?.decided ?? 0)
            $0.member("undecided", metrics.consensus?.undecided ?? 0)
            $0.measure("accuracy", metrics.consensus?.accuracy)
        }
        object("recovery") {
            $0.summary("work", metrics.recovery?.work)
            $0.summary("agents", metrics.recovery?.agents)
            $0.summary("breakers", metrics.recovery?.breakers)
        }
        object("breakers") {
            $0.member("total", metrics.breakers?.total ?? 0)
            $0.member("open", metrics.breakers?.open ?? 0)
            $0.member("degraded_namespaces", metrics.breakers?.degradedNamespaces ?? 0)
            $0.member("emergency_namespaces", metrics.breakers?.emergencyNamespaces ?? 0)
        }
        object("store") {
            $0.member("commits", metrics.store?.commits ?? 0)
            $0.member("commands", metrics.store?.commands ?? 0)
            $0.summary("duration", metrics.store?.duration)
            $0.member("backlog", metrics.store?.backlog ?? 0)
        }
        member("services", metrics.services) { $0.service($1) }
    }

    private mutating func members(of workflows: WorkflowMetrics) {
        member("total", workflows.total)
        member("active", workflows.active)
        member("started", workflows.started)
        member("completed", workflows.completed)
        member("failed", workflows.failed)
        member("timed_out", workflows.timedOut)
        member("cancelled", workflows.cancelled)
        member("terminated", workflows.terminated)
        member("otherwise_ended", workflows.otherwiseEnded)
        summary("duration", workflows.duration)
        measure("success", workflows.success)
    }

    private mutating func members(of work: WorkMetrics) {
        member("finished", work.finished)
        member("failed", work.failed)
        member("abandoned", work.abandoned)
        summary("queue_time", work.queueTime)
        summary("execution_time", work.executionTime)
        measure("failure_share", work.failureShare)
        member("waiting", work.waiting)
        member("stale_results", work.staleResults)
    }

    private mutating func agentType(_ type: AgentTypeMetrics) {
        beginObject()
        member("agent_type", type.agentType)
        member("instances", type.instances)
        member("held_instances", type.heldInstances)
        member("slots", type.slots)
        member("slots_taken", type.slotsTaken)
        member("waiting", type.waiting)
        measure("utilization", type.utilization)
        member("finished", type.finished)
        member("failed", type.failed)
        if type.finished > 0 {
            member("mean_queue_micros", type.meanQueueMicros)
            member("mean_execution_micros", type.meanExecutionMicros)
            member("mean_overhead_micros", type.meanOverheadMicros)
            member("mean_communication_micros", type.meanCommunicationMicros)
        }
        endObject()
    }

    private mutating func service(_ service: ServiceMetrics) {
        beginObject()
        member("service", service.service)
        member("calls", service.calls)
        member("failed", service.failed)
        member("active", service.active)
        measure("mean_seconds", service.meanSeconds)
        endObject()
    }

    mutating func object(_ name: String, _ body: (inout JSONWriter) -> Void) {
        key(name)
        beginObject()
        body(&self)
        endObject()
    }

    mutating func measure(_ name: String, _ measure: Measure?) {
        guard let measure else { return }
        object(name) {
            $0.member("value", measure.value)
            $0.member("observations", measure.observations)
        }
    }

    private mutating func summary(_ name: String, _ summary: DurationSummary?) {
        guard let summary else { return }
        object(name) {
            $0.member("count", summary.count)
            $0.member("mean_micros", summary.meanMicros)
            $0.member("p50_micros", summary.p50Micros)
            $0.member("p95_micros", summary.p95Micros)
            $0.member("p99_micros", summary.p99Micros)
        }
    }
}
