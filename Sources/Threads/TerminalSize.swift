#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// How many characters a terminal shows (`TIOCGWINSZ`, tty_ioctl(4)).
public struct TerminalSize: Sendable, Hashable {
    /// Characters in a line, at least 1.
    public var columns: Int
    /// Lines, at least 1.
    public var lines: Int

    /// A size.
    public init(columns: Int, lines: Int) {
        self.columns = columns
        self.lines = lines
    }

    /// The size as it is now; `nil` for what is no terminal, or one that does not say.
    public static func current(of descriptor: Int32) -> TerminalSize? {
        var size = winsize()
        guard unsafe ioctl(descriptor, request, &size) == 0, size.ws_col > 0, size.ws_row > 0
        else { return nil }
        return TerminalSize(columns: Int(size.ws_col), lines: Int(size.ws_row))
    }

    #if canImport(Darwin)
        /// `_IOR('t', 104, struct winsize)`, a macro that Swift does not see.
        private static let request: UInt = 0x4008_7468
    #else
        private static let request = UInt(TIOCGWINSZ)
    #endif
}
