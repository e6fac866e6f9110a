import Foundation

/// Standard output without a buffer: what has been written has left, in order, and what cannot be
/// written is known at once.
enum StandardOutput {
    /// Writes a line at once, as it is. For programs, and for text that holds nothing from outside;
    /// ``print(_:)`` is for people.
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

/// Prints a line for people, in the place of Swift's: that one keeps what goes to a pipe in a buffer
/// and does not say when it is lost. What could move the cursor or hide text is shown as a code.
func print(_ text: String) { StandardOutput.line(text.visibleLines) }
