import Foundation
import Logging
import ServiceLifecycle
import Threads
import UnixSignals

/// Says that the server serves and listens for the signals that stop it: at the first its part is
/// done, and so the group's; each later one finds a server that drains, and ends the grace.
struct SignalListener: Service {
    /// Printed once a signal drains.
    let line: String
    let grace: Grace
    let log: Logger

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: Self.stopSignals)
        let (told, tell) = AsyncStream.makeStream(of: Void.self)
        // It outlives this service, as long as the process.
        Task { [grace, log] in
            var isTold = false
            for await signal in signals {
                if isTold { Self.hurry(grace, signal, log) }
                isTold = true
                tell.finish()
            }
        }
        StandardOutput.announce(line)
        for await _ in told.cancelOnGracefulShutdown() {}
    }

    private static func hurry(_ grace: Grace, _ signal: UnixSignal, _ log: Logger) {
        log.notice("told to stop again: the grace is over", metadata: ["by": "\(signal)"])
        grace.end()
    }

    /// A terminal that is closed or lost says so with SIGHUP; `nohup` is there to survive that.
    private static var stopSignals: [UnixSignal] {
        SignalDisposition.isIgnored(SIGHUP)
            ? [.sigterm, .sigint] : [.sigterm, .sigint, .sighup]
    }
}
