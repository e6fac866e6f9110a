import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// Many invokes under one call, every outcome kept. Confined to its loop.
final class InvokeFanOut {
    private var outcomes: [InvokeOutcome?]
    private var missing: Int
    private var tickets: [ReplyTicket] = []
    private let link: EngineLink
    private let call: UnaryCall<InvokeAllResponse>

    init(count: Int, link: EngineLink, call: UnaryCall<InvokeAllResponse>) {
        outcomes = Array(repeating: nil, count: count)
        missing = count
        self.link = link
        self.call = call
    }

    /// Sends all; answers when the last is settled.
    func begin(_ invokes: [InvokeRequest], namespace: Namespace) {
        call.onCancel { _ in for ticket in self.tickets { self.link.abandon(ticket) } }
        for (index, request) in invokes.enumerated() {
            let id = request.requestID.isEmpty ? link.newRequestID() : request.requestID
            let command = request.command(
                namespace: namespace, deadline: call.deadline, received: call.receivedAt)
            let ticket = link.ask({ .invoke(command, $0) }) { self.settle(index, id, $0) }
            tickets.append(ticket)
        }
    }

    private func settle(_ index: Int, _ requestID: String, _ answer: Answer) {
        var outcome = InvokeOutcome()
        switch answer {
        case .invoked(let answer):
            outcome.outcome = .response(InvokeResponse(answer, to: requestID))
        case .rejected(let rejection):
            let status = rejection.status
            outcome.outcome = .refusal(
                CallRefusal(
                    code: Int32(status.code.rawValue), reason: rejection.reason,
                    message: rejection.message))
        default:
            outcome.outcome = .refusal(
                CallRefusal(
                    code: Int32(GRPCStatusCode.internalError.rawValue), reason: "INTERNAL",
                    message: GRPCStatus.unexpectedAnswer.message))
        }
        outcomes[index] = outcome
        missing -= 1
        if missing == 0 { respond() }
    }

    private func respond() {
        var response = InvokeAllResponse()
        response.outcomes = outcomes.compactMap { $0 }
        response.succeeded = Int32(
            response.outcomes.count {
                if case .response(let answer) = $0.outcome { answer.success } else { false }
            })
        call.respond(response)
    }
}
