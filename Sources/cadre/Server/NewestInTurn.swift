/// Work by name, one piece at a time for each: what comes while a piece is being done waits for its
/// end, and the newest takes the place of what waited.
struct NewestInTurn<Name: Hashable & Sendable, Work: Sendable>: Sendable {
    private struct Line: Sendable {
        /// The number of the newest piece, done now or waiting.
        var newest: UInt64
        var waiting: Work?
    }

    private var lines: [Name: Line] = [:]

    /// Takes a piece of work; pieces of one name have growing numbers, and one that comes again has
    /// the same.
    ///
    /// - Returns: whether it is to be done now.
    mutating func take(_ work: Work, number: UInt64, of name: Name) -> Bool {
        guard let line = lines[name] else {
            lines[name] = Line(newest: number)
            return true
        }
        if number > line.newest { lines[name] = Line(newest: number, waiting: work) }
        return false
    }

    /// What was done under this name has ended.
    ///
    /// - Returns: what is to be done now.
    mutating func ended(_ name: Name) -> Work? {
        guard let work = lines[name]?.waiting else {
            lines[name] = nil
            return nil
        }
        lines[name]?.waiting = nil
        return work
    }
}
