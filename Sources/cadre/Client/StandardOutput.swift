import Foundation
import JSON

/// Standard output without a buffer: what has been written has left, in order, and what cannot be
/// written is known at once.
enum StandardOutput {
    /// Writes a line at once, as it is. For programs, and for text that holds nothing from outside;
    /// ``printVisible(_:)`` is for people.
    static func line(_ text: String) { self.text(text + "\n") }

    /// Writes text at once, as it is. Without a reader the process ends, as SIGPIPE would end it; so
    /// it does, and says so, when what was asked for cannot be written.
    static func text(_ text: String) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        } catch {
            end(because: error)
        }
    }

    /// Writes one JSON value a line, so that a program can read along.
    static func jsonLine(_ body: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        body(&writer)
        line(String(decoding: writer.finish(), as: UTF8.self))
    }

    /// Writes a line of a server's, which serves on when nobody reads it.
    static func announce(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    }

    private static func end(because error: any Error) -> Never {
        // NIO ignores the signal in the whole process, so that a lost connection is no death.
        if SystemReason.number(of: error) == EPIPE { exit(128 + SIGPIPE) }
        let reason = SystemReason.text(of: error)
        FileHandle.standardError.write(
            Data("cadre: standard output cannot be written: \(reason)\n".utf8))
        exit(EX_IOERR)
    }
}

/// Prints a line for people. What could move the cursor or hide text is shown as a code. Unlike
/// Swift's `print`, it keeps nothing in a buffer, and what is lost on its way to a pipe is known.
func printVisible(_ text: String) { StandardOutput.line(text.visibleLines) }
