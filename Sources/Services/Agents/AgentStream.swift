import Coordination
import Engine
import GRPC
import Messages
import NIOCore
import Stubs
import Threads

/// One worker's stream: what it says becomes commands, what the engine says to it becomes messages,
/// one for each tick that has something. Confined to its loop.
final class AgentStream {
    private let call: BidirectionalCall<ConnectRequest, ConnectResponse>
    private let link: EngineLink
    private let host: EngineHost
    private let streams: AgentStreams
    private let loop: NIOIsolatedEventLoop
    private var number: UInt64?
    /// Its connection in the engine; `nil` before hello and after the end.
    private var port: PortNumber?
    private var helloTask: Scheduled<Void>?
    private var aliveTask: Scheduled<Void>?
    private var acceptTask: Scheduled<Void>?
    private var lease: TimeAmount = .seconds(10)
    private var hasSent = false
    private var outbox = SessionOutbox()
    /// Where progress of assignments goes that somebody watches.
    private var watched: [AssignmentToken: (port: any ProgressPort, attempt: Int)] = [:]

    init(
        call: BidirectionalCall<ConnectRequest, ConnectResponse>, link: EngineLink,
        host: EngineHost, streams: AgentStreams
    ) {
        self.call = call
        self.link = link
        self.host = host
        self.streams = streams
        loop = call.eventLoop.assumeIsolated()
    }

    /// Listens; the first message must come in time.
    func begin() {
        number = streams.add(NIOLoopBound(self, eventLoop: call.eventLoop))
        guard number != nil else { return call.fail(AgentStreams.goingDown) }
        call.onMessage { (request) throws(GRPCStatus) in try self.take(request) }
        call.onHalfClose {
            self.proceed()
            self.leave(.dropped)
            self.call.finish()
        }
        call.onCancel { _ in self.leave(.dropped) }
        call.onWritable { self.proceed() }
        helloTask = loop.scheduleTask(in: streams.helloTime) { self.end(self.noHello) }
    }

    // MARK: What the worker says

    private func take(_ request: ConnectRequest) throws(GRPCStatus) {
        var faults = FieldFaults()
        let hello = firstWord(request, &faults)
        let news = SessionNews(request, &faults)
        // Before the hello counts: a first message that is wrong anywhere begins no session.
        if let status = faults.status { throw status }
        if let hello { greet(hello) }
        guard let port else { return }
        for progress in request.progress {
            guard let watcher = watched[AssignmentToken(wire: progress.token)] else { continue }
            watcher.port.progress(
                Coordination.Payload(orEmptyObject: progress.chunk), attempt: watcher.attempt)
        }
        for result in news.results where !watched.isEmpty { watched[result.token] = nil }
        link.post(.session(.heard(news, port)))
        guard request.leave != nil else { return }
        proceed()
        leave(.left)
        call.finish()
    }

    /// The hello that belongs into the first message and no other.
    private func firstWord(
        _ request: ConnectRequest, _ faults: inout FieldFaults
    ) -> SessionHello? {
        let isFirst = port == nil
        guard let hello = request.hello else {
            faults.check(!isFirst, "hello", "is required in the first message")
            return nil
        }
        if isFirst { return SessionHello(hello, peer: call.peer, &faults) }
        faults.check(false, "hello", "was said already; it belongs into the first message only")
        return nil
    }

    private func greet(_ hello: SessionHello) {
        helloTask?.cancel()
        lease = .milliseconds(Int64(hello.leaseMillis))
        let port = host.open(port: SessionPort(self, loop: call.eventLoop))
        self.port = port
        link.post(.session(.hello(hello, port)))
    }

    // MARK: What the engine says

    /// Takes what has gathered, and sends what the worker takes.
    func take(_ waiting: SessionPort.Waiting) {
        guard port != nil else { return }
        for notice in waiting.notices {
            switch notice {
            case .welcome(let welcome):
                outbox.welcome(welcome)
                armAlive()
            case .accepted(let token): outbox.accept(token)
            case .stale(let token):
                watched[token] = nil
                outbox.refuse(token)
            case .watched(let token, let watcher, let attempt): watched[token] = (watcher, attempt)
            case .drainRequested(let reason): outbox.askToDrain(reason)
            case .modeChanged(let change):
                // Before its welcome, which will say so, a worker hears nothing.
                if aliveTask != nil { outbox.changeMode(change) }
            case .refused(let refusal): return end(refusal.status)
            // Of one that does not read, nothing was read either.
            case .expired: return finish(call.isWritable ? Self.expired : Self.unread)
            case .superseded: return finish(Self.superseded)
            }
        }
        for assignment in waiting.assignments {
            if let progress = assignment.extras?.progress {
                watched[assignment.token] = (progress, assignment.attempt)
            }
            outbox.assign(assignment)
        }
        for token in waiting.cancels {
            watched[token] = nil
            outbox.cancel(token)
        }
        if outbox.isPressing { proceed() } else { acceptSoon() }
    }

    /// How long a worker may be left to keep a result that was taken.
    private static let acceptDelay = TimeAmount.milliseconds(5)

    /// Leaves what does not press to the next message, or to one of its own after a while: at once
    /// it would wake the worker for every result, just when its caller is to be woken.
    private func acceptSoon() {
        guard acceptTask == nil else { return }
        acceptTask = loop.scheduleTask(in: Self.acceptDelay) {
            self.acceptTask = nil
            self.proceed()
        }
    }

    /// Sends what the worker takes now; the rest when it has taken that.
    private func proceed() {
        while call.isWritable, let message = outbox.next() { send(message) }
        let freed = outbox.takeFreedCredits()
        if freed > 0, let port { link.post(.session(.unsent(freed, port))) }
    }

    private func finish(_ status: GRPCStatus) {
        proceed()
        end(status)
    }

    private func send(_ message: ConnectResponse) {
        hasSent = true
        call.send(message)
    }

    /// The worker hears something in every third of its lease, so that it can tell a dead server
    /// from one without work.
    private func armAlive() {
        aliveTask = loop.scheduleTask(in: .nanoseconds(lease.nanoseconds / 3)) {
            if !self.hasSent, self.call.isWritable { self.call.send(ConnectResponse()) }
            self.hasSent = false
            self.armAlive()
        }
    }

    // MARK: The end

    private enum Parting { case dropped, left }

    /// Ends the stream with this status; the session's lease runs.
    func end(_ status: GRPCStatus) {
        leave(.dropped)
        call.fail(status)
    }

    private func leave(_ parting: Parting) {
        helloTask?.cancel()
        aliveTask?.cancel()
        acceptTask?.cancel()
        if let number { streams.remove(number) }
        number = nil
        watched = [:]
        outbox = SessionOutbox()
        guard let port else { return }
        self.port = nil
        host.close(port: port)
        switch parting {
        case .dropped: link.post(.session(.dropped(port)))
        case .left: link.post(.session(.left(port)))
        }
    }

    private var noHello: GRPCStatus {
        GRPCStatus(
            .deadlineExceeded,
            "no hello came within \(streams.helloTime.nanoseconds / 1_000_000_000) s; say it in the "
                + "first message", reason: "NO_HELLO")
    }

    private static let expired = GRPCStatus(
        .unavailable,
        "nothing was heard of this worker for its lease, so its work was given to others; connect "
            + "again, and send something at least every third of the lease",
        reason: "LEASE_EXPIRED")

    private static let unread = GRPCStatus(
        .unavailable,
        "this worker did not read what it was sent, so nothing was read of it either for its lease, "
            + "and its work was given to others; connect again, and read the stream at all times",
        reason: "LEASE_EXPIRED")

    private static let superseded = GRPCStatus(
        .aborted, "the session goes on on another stream", reason: "SESSION_RESUMED_ELSEWHERE")
}
