/// The changes that watchers can still ask for, in pieces: what is too old goes a piece at a time,
/// so that a change costs no look at the ones before it.
public struct ChangeWindow: Sendable, Hashable {
    /// Neighbouring revisions.
    public struct Piece: Sendable, Hashable {
        /// The first revision of it.
        public var first: Int64
        /// Changes in it.
        public var count: Int
        /// Bytes of those.
        public var bytes: Int

        /// Combines the parts.
        public init(first: Int64, count: Int, bytes: Int) {
            self.first = first
            self.count = count
            self.bytes = bytes
        }
    }

    /// What went out of the window: revisions from `from` on, below `below`.
    public struct Passed: Sendable, Hashable {
        /// The first revision that went, and the first that stays.
        public var from: Int64
        public var below: Int64
    }

    /// A piece that has so many changes or bytes takes no more.
    static let pieceChanges = 128
    static let pieceBytes = 1 << 20

    /// Oldest first.
    public private(set) var pieces: [Piece]
    private var count: Int
    private var bytes: Int

    /// A window of these pieces, oldest first.
    public init(_ pieces: [Piece] = []) {
        self.pieces = pieces
        count = pieces.reduce(0) { $0 + $1.count }
        bytes = pieces.reduce(0) { $0 + $1.bytes }
    }

    /// The oldest revision that a watch may begin from; 1 while there is none.
    public var oldest: Int64 { pieces.first?.first ?? 1 }

    /// Adds the changes of a revision, and says what is too old now.
    mutating func add(
        revision: Int64, changes: Int, bytes added: Int, _ limits: MemoryLimits
    ) -> Passed? {
        if let last = pieces.indices.last, pieces[last].count < Self.pieceChanges,
            pieces[last].bytes < Self.pieceBytes
        {
            pieces[last].count += changes
            pieces[last].bytes += added
        } else {
            pieces.append(Piece(first: revision, count: changes, bytes: added))
        }
        count += changes
        bytes += added
        return shorten(limits)
    }

    private mutating func shorten(_ limits: MemoryLimits) -> Passed? {
        let from = oldest
        while pieces.count > 1, isTooLong(limits) {
            let gone = pieces.removeFirst()
            count -= gone.count
            bytes -= gone.bytes
        }
        return oldest > from ? Passed(from: from, below: oldest) : nil
    }

    /// Whether it has enough changes without its oldest piece, or too many bytes with it.
    private func isTooLong(_ limits: MemoryLimits) -> Bool {
        count - (pieces.first?.count ?? 0) >= limits.windowChanges || bytes > limits.windowBytes
    }
}
