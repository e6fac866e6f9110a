import Coordination
import JSON

@testable import AgentKit
@testable import MexcPack

/// Calls one operation of an agent as a host would.
func call(
    _ agent: any Agent, _ operation: String, _ input: String, _ signals: BreakerSignals? = nil
) async throws -> JSONDocument {
    try await JSONDocument(
        parsing: call(agent, operation, Payload(bytes: Array(input.utf8)), signals).bytes)
}

func call(
    _ agent: any Agent, _ operation: String, _ input: Payload, _ signals: BreakerSignals? = nil
) async throws -> Payload {
    guard let found = agent.operations.first(where: { $0.name == operation }) else {
        throw StepFailure(type: "no_operation", message: operation, retryable: false)
    }
    let serial = Serial(epoch: Epoch(rawValue: 1), counter: 1)
    let context = AgentContext(
        Assignment(
            token: AssignmentToken(serial: serial), agent: AgentID("test/1"), operation: operation,
            payload: input, deadlineNanos: nil, attempt: 1, namespace: .default, origin: nil),
        signals: signals)
    return try await found.body(input, context)
}

/// The failure of a call; `nil` when it succeeded.
func failure(of body: () async throws -> some Any) async -> StepFailure? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? StepFailure
    }
}

/// The size of the largest payload that was noted.
final class LargestPayload {
    private(set) var bytes = 0

    func note(_ payloads: Payload...) {
        bytes = payloads.map(\.bytes.count).reduce(bytes, max)
    }
}

/// Runs a sequential definition with the engine's own templates, without an engine.
struct DefinitionRunner {
    let plan: WorkflowPlan
    let agents: [any Agent]
    /// Steps that fail instead of running.
    var failing: Set<String> = []
    /// What the steps took and gave, for its size.
    let largestPayload = LargestPayload()

    init(_ definition: WorkflowDefinition, _ agents: [any Agent]) throws {
        plan = try WorkflowPlan(definition)
        self.agents = agents
    }

    func run(_ input: String) async throws -> JSONDocument {
        let inputID = id(0)
        var stored: [PayloadID: Payload] = [inputID: Payload(bytes: Array(input.utf8))]
        var outputs: [String: PayloadID] = [:]
        for (index, step) in plan.steps.enumerated() {
            let definition = step.definition
            do {
                if failing.contains(definition.id) {
                    throw StepFailure(type: "test", message: "made to fail", retryable: false)
                }
                let payload = try render(step.input, inputID, outputs, stored)
                let agent = try agent(definition.agentType)
                let output = try await call(agent, definition.operation, payload)
                stored[id(index + 1)] = output
                largestPayload.note(payload, output)
                outputs[definition.id] = id(index + 1)
            } catch {
                if definition.isRequired { throw error }
            }
        }
        return try JSONDocument(parsing: render(plan.result, inputID, outputs, stored).bytes)
    }

    private func render(
        _ template: InputTemplate?, _ input: PayloadID, _ outputs: [String: PayloadID],
        _ stored: [PayloadID: Payload]
    ) throws -> Payload {
        guard let template else { return stored[input] ?? Payload(bytes: []) }
        return try PayloadRecipe.template(template, input: input, outputs: outputs)
            .render(stored).get()
    }

    private func agent(_ type: String) throws -> any Agent {
        guard let agent = agents.first(where: { Swift.type(of: $0).type == type }) else {
            throw StepFailure(type: "no_agent", message: type, retryable: false)
        }
        return agent
    }

    private func id(_ number: Int) -> PayloadID {
        PayloadID(serial: Serial(epoch: Epoch(rawValue: 1), counter: UInt32(number)))
    }
}
