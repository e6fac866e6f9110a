import GRPC
import InteropMessages
import NIOCore
import Stubs

/// Sends the responses a client asks for, in order: waits the interval before each, and for the
/// client to read when much is unsent. Lives on the loop of its call.
final class ResponsePump {
    private enum Item {
        case response(GrpcTesting.ResponseParameters)
        /// Ends the call; what follows is not sent.
        case failure(GRPCStatus)
    }

    /// Called each time the last item has been sent.
    var onEmpty: (() -> Void)?

    private let call: ServerStreamCall<GrpcTesting.StreamingOutputCallResponse>
    private let trailers: Metadata
    private var items: [Item] = []
    private var sent = 0
    private var isEnding = false
    /// The wait before the next response, while it lasts.
    private var interval: Scheduled<Void>?
    /// The interval of the next response is over.
    private var hasWaited = false

    /// A pump with nothing to send.
    init(
        _ call: ServerStreamCall<GrpcTesting.StreamingOutputCallResponse>, trailers: Metadata
    ) {
        self.call = call
        self.trailers = trailers
        call.onWritable { self.advance() }
        call.onCancel { _ in self.stop() }
    }

    /// True when nothing waits to be sent.
    var isEmpty: Bool { sent == items.count }

    /// Queues what the request asks for, and sends what can be sent now.
    func add(_ request: GrpcTesting.StreamingOutputCallRequest) {
        if let fault = request.fault {
            items.append(.failure(fault))
        } else {
            items += request.responseParameters.map { .response($0) }
            if let status = request.responseStatus?.asked { items.append(.failure(status)) }
        }
        advance()
    }

    /// Ends the call with OK when all has been sent.
    func end() {
        isEnding = true
        advance()
    }

    private func advance() {
        while !isEmpty, interval == nil, call.isOpen, call.isWritable {
            switch items[sent] {
            case .failure(let status):
                return finish { call.fail(status, trailers: trailers) }
            case .response(let parameters):
                if mustWait(parameters.intervalUs) { return }
                call.send(
                    GrpcTesting.StreamingOutputCallResponse(payload: .zeros(parameters.size)))
                hasWaited = false
                sent += 1
            }
        }
        if isEmpty { emptied() }
    }

    private func emptied() {
        items.removeAll(keepingCapacity: true)
        sent = 0
        if isEnding {
            finish { call.finish(trailers: trailers) }
        } else {
            onEmpty?()
        }
    }

    /// Begins the wait before the next response, unless there is none or it is over.
    private func mustWait(_ microseconds: Int32) -> Bool {
        guard microseconds > 0, !hasWaited else { return false }
        let loop = call.eventLoop.assumeIsolated()
        interval = loop.scheduleTask(in: .microseconds(Int64(microseconds))) {
            self.interval = nil
            self.hasWaited = true
            self.advance()
        }
        return true
    }

    private func finish(_ end: () -> Void) {
        stop()
        end()
    }

    private func stop() {
        interval?.cancel()
        interval = nil
        items.removeAll()
        sent = 0
        isEnding = false
        onEmpty = nil
    }
}
