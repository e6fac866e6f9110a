import Foundation
import Threads

/// The real binary, as built beside these tests.
enum CadreBinary {
    static let url = URL(fileURLWithPath: CommandLine.arguments[0])
        .deletingLastPathComponent().appendingPathComponent("cadre")

    /// What a finished command left behind.
    struct Ended: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Runs a command to its end without blocking a thread of the test pool.
    static func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Ended {
        let command = try Command(arguments, environment: environment)
        return try await command.run()
    }

    /// A command whose output is collected while it runs.
    final class Command: Sendable {
        let process: Process
        private let output: Collected
        private let errors: Collected

        init(_ arguments: [String], environment: [String: String] = [:]) throws {
            output = try Collected()
            errors = try Collected()
            process = Process()
            process.executableURL = CadreBinary.url
            process.arguments = arguments
            process.environment = ProcessInfo.processInfo.environment
                .merging(environment) { _, new in new }
            process.standardOutput = output.pipe
            process.standardError = errors.pipe
        }

        func start() throws { try process.run() }

        func run() async throws -> Ended {
            try start()
            return await ended()
        }

        /// Waits for the end and for the last byte of both outputs.
        func ended() async -> Ended {
            let (output, errors) = await (self.output.text(), self.errors.text())
            await exited()
            return Ended(status: process.terminationStatus, output: output, errors: errors)
        }

        /// The first line of standard output that contains `words`; `nil` when it ends without.
        func line(containing words: String) async -> String? {
            await output.line(containing: words)
        }

        private func exited() async {
            await withCheckedContinuation { continuation in
                let once = Once(continuation)
                process.terminationHandler = { _ in once.resume() }
                if !process.isRunning { once.resume() }
            }
        }
    }
}

/// Resumes a continuation once, whoever comes first.
private final class Once: Sendable {
    private let continuation: Locked<CheckedContinuation<Void, Never>?>

    init(_ continuation: CheckedContinuation<Void, Never>) {
        self.continuation = Locked(continuation)
    }

    func resume() {
        let taken = continuation.withLock { held in
            let taken = held
            held = nil
            return taken
        }
        taken?.resume()
    }
}

/// Collects what a process writes to a pipe, and tells who waits for a line or for the end.
final class Collected: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var hasEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let pipe = Pipe()
    private let state = Locked(State())

    /// Reads on a thread of its own: a dispatch source may outlive its descriptor, and then the
    /// whole test process ends with it.
    init() throws {
        let handle = pipe.fileHandleForReading
        _ = try NamedThread.start(name: "pipe") { [self] in
            while true {
                let data = handle.availableData
                came(Array(data))
                if data.isEmpty { return }
            }
        }
    }

    func text() async -> String {
        while !state.withLock({ $0.hasEnded }) { await news() }
        return state.withLock { String(decoding: $0.bytes, as: UTF8.self) }
    }

    func line(containing words: String) async -> String? {
        while true {
            let (text, hasEnded) = state.withLock {
                (String(decoding: $0.bytes, as: UTF8.self), $0.hasEnded)
            }
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            if let found = lines.first(where: { $0.contains(words) }) { return String(found) }
            if hasEnded { return nil }
            await news()
        }
    }

    private func came(_ bytes: [UInt8]) {
        let waiters = state.withLock { state in
            state.bytes += bytes
            if bytes.isEmpty { state.hasEnded = true }
            let waiters = state.waiters
            state.waiters = []
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func news() async {
        let seen = state.withLock { $0.bytes.count }
        await withCheckedContinuation { continuation in
            let isNew = state.withLock { state in
                if state.bytes.count != seen || state.hasEnded { return true }
                state.waiters.append(continuation)
                return false
            }
            if isNew { continuation.resume() }
        }
    }
}
