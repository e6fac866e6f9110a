import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// One watcher of breakers or of the mode: what the engine says, passed on as fast as the reader
/// takes it. Confined to its loop.
///
/// A reader that falls behind is ended with RESOURCE_EXHAUSTED; watching again begins with the whole
/// state, so that it misses nothing that still holds.
final class StateWatch<Response: WireMessage> {
    private let link: EngineLink
    private let call: ServerStreamCall<Response>
    private let read: (Answer) -> [Response]?
    private var ticket: ReplyTicket?
    private var waiting: [Response] = []

    /// Responses that may wait for a slow reader; more than the whole state of a namespace is.
    private let maxWaiting = 2_000

    /// A watcher that has not begun.
    ///
    /// - Parameter read: the messages of an answer; `nil`: it is a refusal.
    init(
        link: EngineLink, call: ServerStreamCall<Response>,
        read: @escaping (Answer) -> [Response]?
    ) {
        self.link = link
        self.call = call
        self.read = read
    }

    /// Begins to follow.
    func begin(_ command: (ReplyTicket) -> Command) {
        call.onCancel { _ in self.leave() }
        call.onWritable { self.proceed() }
        call.endAtShutdown()
        ticket = link.follow(command) { answer in
            guard let responses = self.read(answer) else { return self.end(answer.refusal) }
            self.waiting += responses
            self.proceed()
        }
    }

    private func proceed() {
        guard call.isOpen else { return }
        var sent = 0
        while sent < waiting.count, call.isWritable {
            call.send(waiting[sent])
            sent += 1
        }
        waiting.removeFirst(sent)
        if waiting.count > maxWaiting { end(tooSlow) }
    }

    private func end(_ status: GRPCStatus) {
        leave()
        call.fail(status)
    }

    private func leave() {
        if let ticket { link.abandon(ticket) }
        ticket = nil
        waiting = []
    }

    private var tooSlow: GRPCStatus {
        Rejection(
            .overloaded, reason: "SLOW_READER",
            "this reader is \(waiting.count) changes behind; watch again: that begins with the "
                + "whole state"
        ).status
    }
}
