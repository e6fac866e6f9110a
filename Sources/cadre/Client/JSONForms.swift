import Foundation
import JSON
import Messages

/// The JSON forms of what the client verbs print with `-o json`. Field names are those of the
/// protos; payloads that are JSON are put in as they are.
extension JSONWriter {
    mutating func member(_ name: String, _ text: String) {
        key(name)
        string(text)
    }

    mutating func member(_ name: String, _ number: some BinaryInteger) {
        key(name)
        integer(number)
    }

    /// A token as text, as protobuf's JSON has 64-bit integers: it passes 2^53, from where on jq and
    /// JavaScript round, and a rounded token is refused. What counts or names something in a row stays
    /// a number.
    mutating func member(_ name: String, token: UInt64) {
        key(name)
        string("\(token)")
    }

    mutating func member(_ name: String, _ flag: Bool) {
        key(name)
        bool(flag)
    }

    mutating func member(_ name: String, _ texts: [String]) {
        key(name)
        beginArray()
        for text in texts { string(text) }
        endArray()
    }

    mutating func member<Item>(
        _ name: String, _ items: [Item], _ form: (inout JSONWriter, Item) -> Void
    ) {
        key(name)
        beginArray()
        for item in items { form(&self, item) }
        endArray()
    }

    /// A payload: its JSON value, or an object with its type and bytes in base64.
    mutating func payload(_ payload: Payload) {
        if let document = try? JSONDocument(parsing: payload.data) {
            return spaced(document.root)
        }
        beginObject()
        member("content_type", payload.contentType)
        member("base64", Data(payload.data).base64EncodedString())
        endObject()
    }

    /// A value with the writer's own spacing; scalars keep their text.
    private mutating func spaced(_ view: JSONView) {
        switch view.kind {
        case .object:
            beginObject()
            for member in view.members {
                key(member.name)
                spaced(member.value)
            }
            endObject()
        case .array:
            beginArray()
            for element in view.elements { spaced(element) }
            endArray()
        default: value(view)
        }
    }

    mutating func failure(_ failure: Failure) {
        beginObject()
        member("type", failure.type)
        member("message", failure.message)
        member("retryable", failure.retryable)
        if failure.retryAfterMillis > 0 { member("retry_after_millis", failure.retryAfterMillis) }
        endObject()
    }

    /// The members of a run, into an object that is open.
    mutating func members(of run: Run, result: Payload?) {
        member("run_id", run.runID)
        member("workflow_id", run.workflowID)
        member("workflow", run.workflow)
        member("version", run.version)
        member("status", run.status.word)
        member("started", Instant.text(run.startedUnixMillis))
        if run.closedUnixMillis > 0 {
            member("closed", Instant.text(run.closedUnixMillis))
            member("duration_millis", run.closedUnixMillis - run.startedUnixMillis)
        }
        if !run.compensation.word.isEmpty { member("compensation", run.compensation.word) }
        if !run.parentRunID.isEmpty { member("parent_run_id", run.parentRunID) }
        if !run.continuedFrom.isEmpty { member("continued_from", run.continuedFrom) }
        if !run.continuedAs.isEmpty { member("continued_as", run.continuedAs) }
        if !run.reason.isEmpty { member("reason", run.reason) }
        if run.nearLimits { member("near_limits", true) }
        if !run.attributes.isEmpty { attributes(run.attributes) }
        if let failure = run.failure {
            key("failure")
            self.failure(failure)
        }
        if !run.steps.isEmpty { member("steps", run.steps) { $0.step($1) } }
        if run.omittedSteps > 0 { member("omitted_steps", run.omittedSteps) }
        if let result {
            key("result")
            payload(result)
        }
    }

    private mutating func attributes(_ attributes: [RunAttribute]) {
        key("attributes")
        beginObject()
        for attribute in attributes {
            key(attribute.name)
            switch attribute.value {
            case .text(let text): string(text)
            case .number(let number): double(number)
            case .flag(let flag): bool(flag)
            case nil: null()
            }
        }
        endObject()
    }

    private mutating func step(_ step: StepRun) {
        beginObject()
        member("id", step.id)
        member("kind", step.kind.word)
        if !step.childRunID.isEmpty { member("child_run_id", step.childRunID) }
        if step.dueUnixMillis > 0 { member("due", Instant.text(step.dueUnixMillis)) }
        member("agent_type", step.agentType)
        member("operation", step.operation)
        member("depends_on", step.dependsOn)
        member("optional", step.optional)
        member("state", step.state.word)
        member("attempts", step.attempts)
        if step.endedUnixMillis > 0, step.startedUnixMillis > 0 {
            member("duration_millis", step.endedUnixMillis - step.startedUnixMillis)
        }
        if let failure = step.failure {
            key("failure")
            self.failure(failure)
        }
        endObject()
    }

    mutating func event(_ event: HistoryEvent) {
        beginObject()
        member("sequence", event.sequence)
        member("time", Instant.text(event.unixMillis))
        member("type", event.type.word)
        if !event.step.isEmpty { member("step", event.step) }
        if event.attempt > 0 { member("attempt", event.attempt) }
        if !event.agent.isEmpty { member("agent", event.agent) }
        if event.token > 0 { member("token", token: event.token) }
        if let failure = event.failure {
            key("failure")
            self.failure(failure)
            member("will_retry", event.willRetry)
        }
        if !event.reason.isEmpty { member("reason", event.reason) }
        if !event.signal.isEmpty { member("signal", event.signal) }
        if !event.eventType.isEmpty { member("event_type", event.eventType) }
        if !event.childRunID.isEmpty { member("child_run_id", event.childRunID) }
        if !event.continuedRunID.isEmpty { member("continued_run_id", event.continuedRunID) }
        if !event.actor.isEmpty {
            member("decision", event.decision == .approve ? "approve" : "reject")
            member("actor", event.actor)
        }
        if event.count > 0 { member("count", event.count) }
        if let payload = event.payload {
            key("payload")
            self.payload(payload)
        }
        endObject()
    }

    mutating func agent(_ agent: Messages.Agent) {
        beginObject()
        agentMembers(agent)
        endObject()
    }

    mutating func pool(_ pool: Messages.AgentPool) {
        beginObject()
        member("agent_type", pool.agentType)
        member("min_instances", pool.minInstances)
        member("max_instances", pool.maxInstances)
        member("slots", pool.slots)
        member("idle_millis", pool.idleMillis)
        member("max_waiting", pool.maxWaiting)
        member("instances", pool.instances)
        member("starting", pool.starting)
        member("waiting", pool.waiting)
        member("created", pool.created)
        member("retired", pool.retired)
        member("last_failure", pool.lastFailure)
        endObject()
    }

    mutating func agentMembers(_ agent: Messages.Agent) {
        member("id", agent.id)
        member("type", agent.type)
        member("location", agent.location)
        member("operations", agent.operations.map(\.name))
        member("slots", agent.slots)
        member("in_flight", agent.inFlight)
        member("completed", agent.completed)
        member("failed", agent.failed)
        member("busy_micros", agent.busyMicros)
        member("dependencies", agent.dependencies)
        member("isolation", agent.isolation?.state.word ?? "healthy")
        member("holds", agent.holds)
        guard let session = agent.session else { return }
        key("session")
        beginObject()
        member("connected", session.connected)
        member("credits", session.credits)
        member("lease_millis", session.leaseMillis)
        member("lease_left_millis", session.leaseLeftMillis)
        endObject()
    }
}

/// Prints one JSON object, indented.
func printJSON(_ body: (inout JSONWriter) -> Void) {
    var writer = JSONWriter(layout: .indented)
    writer.beginObject()
    body(&writer)
    writer.endObject()
    StandardOutput.line(String(decoding: writer.finish(), as: UTF8.self))
}
