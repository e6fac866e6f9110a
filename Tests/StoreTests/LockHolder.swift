#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import Threads

@testable import Store

/// Another process that holds a lock on a file, by util-linux's flock(1).
final class LockHolder: Sendable {
    static let path = "/usr/bin/flock"
    static var isAvailable: Bool { access(path, X_OK) == 0 }

    struct Failure: Error {
        var errno: Int32
    }

    private let process: pid_t

    /// Starts the process and returns once it has the lock.
    init(file: String) async throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(errno: errno) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        // `exec`, so that the process that is killed is the one that holds the lock.
        let words = [Self.path, "--no-fork", file, "sh", "-c", "echo held; exec sleep 600"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let outcome = posix_spawn(&process, Self.path, &actions, nil, &arguments, environ)
        close(ends[1])
        guard outcome == 0 else { throw Failure(errno: outcome) }
        self.process = process
        let readEnd = ends[0]
        let isHeld = EndSignal()
        let reader = try NamedThread.start(name: "lock-holder") {
            var byte: UInt8 = 0
            _ = read(readEnd, &byte, 1)
            close(readEnd)
            isHeld.end()
        }
        await isHeld.wait()
        withExtendedLifetime(reader) {}
    }

    /// Ends the process and returns once the kernel has dropped its lock.
    func kill() async {
        let process = process
        let hasEnded = EndSignal()
        send(SIGKILL, to: process)
        let waiter = try? NamedThread.start(name: "lock-waiter") {
            waitpid(process, nil, 0)
            hasEnded.end()
        }
        if waiter != nil { await hasEnded.wait() }
    }
}

private func send(_ signal: Int32, to process: pid_t) {
    kill(process, signal)
}
