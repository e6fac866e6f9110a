import Engine
import NIOCore

/// One socket loop's line to the engine: gathers commands, posts them once per tick, and gives
/// answers to whoever waits for them.
///
/// Confined to its loop. Posting per tick rather than per command is what makes the hop nearly
/// free: waking per command costs 2.5 times the processor time.
final class EngineLink {
    /// What to do with an answer. Called on the loop.
    typealias Receiver = (Answer) -> Void

    private let host: EngineHost
    private let loop: NIOIsolatedEventLoop
    private var port = 0
    private var receivers = ReceiverTable()
    private var gathered: [Command] = []
    private var requests: UInt64 = 0
    /// What is published, as this loop hands it on.
    private(set) lazy var feeds = EventFeeds(link: self, loop: eventLoop)
    private let eventLoop: any EventLoop

    /// Must be called on `loop`.
    init(host: EngineHost, loop: any EventLoop) {
        self.host = host
        self.loop = loop.assumeIsolated()
        eventLoop = loop
        port = host.attach(port: LoopReplyPort(self, loop: loop))
    }

    /// A request id for a caller that gave none; unique while the server runs.
    func newRequestID() -> String {
        requests += 1
        return "\(port)-\(requests)"
    }

    /// Sends a command that is answered once.
    @discardableResult
    func ask(
        _ command: (ReplyTicket) -> Command, _ receiver: @escaping Receiver
    ) -> ReplyTicket {
        open(staysOpen: false, command, receiver)
    }

    /// Sends a command that is answered until ``drop(_:)`` or ``abandon(_:)``.
    @discardableResult
    func follow(
        _ command: (ReplyTicket) -> Command, _ receiver: @escaping Receiver
    ) -> ReplyTicket {
        open(staysOpen: true, command, receiver)
    }

    /// Forgets a call that needs no further answers and tells nobody.
    func drop(_ ticket: ReplyTicket) {
        _ = receivers.close(ticket.call)
    }

    /// The caller is gone: forgets the call and tells the engine to forget it too.
    func abandon(_ ticket: ReplyTicket) {
        if receivers.close(ticket.call) { gather(.abandon(ticket)) }
    }

    /// The caller of what will be answered even so is gone: tells the engine, and takes back what it
    /// gave before it heard of that.
    func abandon(_ ticket: ReplyTicket, takingBack receiver: @escaping Receiver) {
        if receivers.replace(ticket.call, receiver) { gather(.abandon(ticket)) }
    }

    /// Hands answers to their receivers. An answer to a call that is gone is dropped.
    func deliver(_ replies: [Reply]) {
        for reply in replies {
            receivers.take(reply.ticket.call)?(reply.answer)
        }
    }

    /// Sends a command that nobody waits for.
    func post(_ command: Command) { gather(command) }

    private func open(
        staysOpen: Bool, _ command: (ReplyTicket) -> Command, _ receiver: @escaping Receiver
    ) -> ReplyTicket {
        let call = receivers.open(receiver, staysOpen: staysOpen)
        let ticket = ReplyTicket(port: port, call: call)
        gather(command(ticket))
        return ticket
    }

    private func gather(_ command: Command) {
        gathered.append(command)
        if gathered.count == 1 { loop.execute { self.post() } }
    }

    private func post() {
        let commands = gathered
        gathered.removeAll(keepingCapacity: true)
        host.post(commands)
    }
}
