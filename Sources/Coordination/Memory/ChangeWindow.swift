/// The changes that watchers can still ask for, in pieces: what is too old goes a piece at a time,
/// so that a change costs no look at the ones before it.
public struct ChangeWindow: Sendable {
    /// Neighbouring revisions.
    private struct Piece: Sendable {
        /// The first revision of it.
        var first: Int64
        /// Changes in it.
        var count: Int
        /// Bytes of those.
        var bytes: Int
    }

    /// A piece that has so many changes or bytes takes no more; one of a short window has less.
    static let pieceChanges = 128
    static let pieceBytes = 1 << 20

    /// The oldest revision that a watch may begin from; 1 while there is none.
    public private(set) var oldest: Int64
    /// Oldest first.
    private var pieces: [Piece] = []
    private var count = 0
    private var bytes = 0

    /// An empty window that begins at a revision.
    public init(oldest: Int64 = 1) { self.oldest = oldest }

    /// Adds the changes of a revision.
    mutating func add(revision: Int64, changes: Int, bytes added: Int, _ limits: MemoryLimits) {
        let enough = min(Self.pieceChanges, limits.windowChanges / 4)
        if let last = pieces.indices.last, pieces[last].count < enough,
            pieces[last].bytes < Self.pieceBytes
        {
            pieces[last].count += changes
            pieces[last].bytes += added
        } else {
            pieces.append(Piece(first: revision, count: changes, bytes: added))
        }
        count += changes
        bytes += added
    }

    /// Drops what is too old.
    ///
    /// - Returns: the first revision that stays; `nil` when nothing went.
    mutating func shorten(_ limits: MemoryLimits) -> Int64? {
        let before = oldest
        while pieces.count > 1, isTooLong(limits) {
            let gone = pieces.removeFirst()
            count -= gone.count
            bytes -= gone.bytes
            oldest = pieces[0].first
        }
        return oldest > before ? oldest : nil
    }

    /// Whether it has enough changes without its oldest piece, or too many bytes with it.
    private func isTooLong(_ limits: MemoryLimits) -> Bool {
        count - pieces[0].count >= limits.windowChanges || bytes > limits.windowBytes
    }
}
