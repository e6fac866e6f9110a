/// Lines in which keys take turns: a ring holds one line per key with something waiting, and
/// serves the keys in rotation, each in the order of joining and with as many turns in a row as it
/// weighs. All O(1) but for hashing a key.
public struct FairLines: Sendable {
    private struct RingKey: Sendable, Hashable {
        var ring: Int32
        var key: String
    }

    private struct KeyLine: Sendable {
        var key: RingKey
        /// Its place in the ring.
        var place: WaitingLines.Place
        /// Turns in a row, as whoever joined last said.
        var weight: Int
        /// Turns it still has before the next key.
        var left: Int
    }

    private var lines = WaitingLines()
    /// By line.
    private var keyLines: [Int32: KeyLine] = [:]
    private var lineOfKey: [RingKey: Int32] = [:]

    /// No rings.
    public init() {}

    /// Opens an empty ring and gives its number.
    public mutating func open() -> Int32 { lines.open() }

    /// Closes an empty ring.
    public mutating func close(_ ring: Int32) { lines.close(ring) }

    /// Puts work at the end of its key's line.
    ///
    /// - Parameter weight: turns in a row that the key has from now on, 1 or more.
    public mutating func join(
        _ ring: Int32, key: String, weight: Int = 1, work: Int32
    ) -> WaitingLines.Place {
        let ringKey = RingKey(ring: ring, key: key)
        if let line = lineOfKey[ringKey] {
            keyLines[line]?.weight = weight
            return lines.join(line, work: work)
        }
        let line = lines.open()
        lineOfKey[ringKey] = line
        keyLines[line] = KeyLine(
            key: ringKey, place: lines.join(ring, work: line), weight: weight, left: weight)
        return lines.join(line, work: work)
    }

    /// The work whose turn it is; it stays in line.
    public func head(_ ring: Int32) -> Int32? {
        guard let line = lines.head(ring) else { return nil }
        return lines.head(line)
    }

    /// The work at this place has had its turn: when its key has none left, that goes behind the
    /// others. The work stays in line.
    public mutating func turnTaken(_ place: WaitingLines.Place) {
        let line = lines.line(of: place)
        guard let keyLine = keyLines[line] else { return }
        if keyLine.left > 1 {
            keyLines[line]?.left = keyLine.left - 1
            return
        }
        lines.leave(keyLine.place)
        keyLines[line]?.place = lines.join(keyLine.key.ring, work: line)
        keyLines[line]?.left = keyLine.weight
    }

    /// Takes work out of whatever line it stands in.
    public mutating func leave(_ place: WaitingLines.Place) {
        let line = lines.line(of: place)
        lines.leave(place)
        guard lines.count(line) == 0, let keyLine = keyLines.removeValue(forKey: line) else {
            return
        }
        lineOfKey[keyLine.key] = nil
        lines.leave(keyLine.place)
        lines.close(line)
    }

    /// The first work in a ring that fits, key by key from the one whose turn it is; at most so many
    /// are looked at.
    public func first(_ ring: Int32, of count: Int, where fits: (Int32) -> Bool) -> Int32? {
        var left = count
        var found: Int32?
        lines.visit(ring) { line in
            lines.visit(line) { work in
                if fits(work) { found = work }
                left -= 1
                return found == nil && left > 0
            }
            return found == nil && left > 0
        }
        return found
    }

    /// All work in a ring, key by key from the one whose turn it is.
    public func all(_ ring: Int32) -> [Int32] { lines.all(ring).flatMap { lines.all($0) } }
}
