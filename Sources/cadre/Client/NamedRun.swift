import ArgumentParser
import GRPC
import Messages
import Stubs

/// Which run a question is about, and whom it is put to.
struct NamedRunOptions: ParsableArguments {
    @Argument(help: "The run id, or a workflow id for its newest run.")
    var run: String

    @OptionGroup var server: ServerOptions

    var callOptions: CallOptions { server.callOptions }

    /// Puts a question about the run to the server, and shows what is answered.
    func ask<Answer>(
        _ question: (WorkflowServiceClient, RunReference) async throws -> Answer,
        show: (Answer) -> Void
    ) async throws {
        try await reporting {
            try await server.withClient { client in
                let workflows = WorkflowServiceClient(client: client)
                show(try await RunReference.named(run) { try await question(workflows, $0) })
            }
        }
    }
}

extension RunReference {
    /// Makes a call about the run that a person names: 16 hexadecimal digits are a run id, or the
    /// workflow id that somebody chose to look like one; anything else is a workflow id.
    ///
    /// - Parameter call: made again by workflow id when no run has the id; the server has done nothing
    ///   then.
    static func named<Answer>(
        _ text: String, _ call: (RunReference) async throws -> Answer
    ) async throws -> Answer {
        let byName = RunReference(by: .workflowID(text))
        guard text.utf8.count == 16, text.allSatisfy(\.isHexDigit) else {
            return try await call(byName)
        }
        do {
            return try await call(RunReference(by: .runID(text)))
        } catch let unknown as GRPCStatus where unknown.code == .notFound {
            do { return try await call(byName) } catch let status as GRPCStatus {
                throw status.code == .notFound ? unknown : status
            }
        }
    }
}
