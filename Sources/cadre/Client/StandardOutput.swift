import Foundation

/// Standard output without a buffer, for lines that somebody waits for: `print` keeps what goes to
/// a pipe until it has a few kilobytes.
enum StandardOutput {
    /// Writes a line at once. A reader that is gone is no fault.
    static func line(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    }
}
