import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// Many invokes under one call, every outcome kept. Confined to its loop.
final class InvokeFanOut {
    private var outcomes: [InvokeOutcome?]
    private var missing: Int
    /// Bytes of content in the outcomes so far, and how many there may be.
    private var used = 0
    private let room: Int
    private var tickets: [ReplyTicket] = []
    private let link: EngineLink
    private let call: UnaryCall<InvokeAllResponse>

    init(count: Int, link: EngineLink, call: UnaryCall<InvokeAllResponse>) {
        outcomes = Array(repeating: nil, count: count)
        missing = count
        room = Self.maxMessageBytes - count * Self.overhead
        self.link = link
        self.call = call
    }

    /// Sends all; answers when the last is settled, which is before the call's own deadline.
    func begin(_ invokes: [InvokeRequest], namespace: Namespace) {
        call.onCancel { _ in for ticket in self.tickets { self.link.abandon(ticket) } }
        let trace = call.metadata.trace
        for (index, request) in invokes.enumerated() {
            let id = request.requestID.isEmpty ? link.newRequestID() : request.requestID
            let command = request.command(
                namespace: namespace, deadline: call.closes, received: call.receivedAt,
                trace: trace)
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
        outcomes[index] = outcome.fitted(into: room, used: &used)
        missing -= 1
        if missing == 0 { respond() }
    }

    /// What clients take of one message, and what an outcome needs beside its content at the most.
    private static let maxMessageBytes = 4 << 20
    private static let overhead = 1_024

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

extension InvokeOutcome {
    /// The outcome with its content counted in `used`, or, when that goes beyond `room` bytes, why
    /// it is left out: what the answer cannot carry must not hide the others.
    fileprivate func fitted(into room: Int, used: inout Int) -> InvokeOutcome {
        switch outcome {
        case .response(let answer):
            guard used + answer.contentBytes <= room else {
                return InvokeOutcome(outcome: .refusal(Self.tooLarge))
            }
            used += answer.contentBytes
        case .refusal(let refusal): used += refusal.message.utf8.count
        case nil: break
        }
        return self
    }

    private static let tooLarge = CallRefusal(
        code: Int32(GRPCStatusCode.resourceExhausted.rawValue), reason: "ANSWER_TOO_LARGE",
        message: "the operation was carried out, but the answers to one InvokeAll have at most "
            + "4 MiB together; invoke it by itself")
}

extension InvokeResponse {
    fileprivate var contentBytes: Int {
        switch outcome {
        case .payload(let payload): payload.data.count + payload.contentType.utf8.count
        case .error(let failure): failure.message.utf8.count + failure.type.utf8.count
        case nil: 0
        }
    }
}
