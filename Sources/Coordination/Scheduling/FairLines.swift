/// Lines in which keys take turns: a ring holds one line per key of a namespace with something
/// waiting, and serves the keys in rotation, each in the order of joining and with as many turns in
/// a row as it weighs. Work of a key is of one kind or another, and who takes only some kinds
/// passes over the others at once, however much of them waits: a key's line is one line per kind,
/// told apart by when work joined. All O(1) but for hashing a key, looking at the kinds of a key,
/// and passing over the keys that have nothing that fits.
public struct FairLines: Sendable {
    private struct RingKey: Sendable, Hashable {
        var ring: Int32
        var namespace: Namespace
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

    /// The work of one kind in a key's line.
    private struct Part: Sendable {
        var kind: String
        /// The line of its key, which holds such parts, and its place there.
        var keyLine: Int32
        var place: WaitingLines.Place
    }

    private var lines = WaitingLines()
    /// By line.
    private var keyLines: [Int32: KeyLine] = [:]
    private var parts: [Int32: Part] = [:]
    private var lineOfKey: [RingKey: Int32] = [:]

    /// No rings.
    public init() {}

    /// Opens an empty ring and gives its number.
    public mutating func open() -> Int32 { lines.open() }

    /// Closes an empty ring.
    public mutating func close(_ ring: Int32) { lines.close(ring) }

    // MARK: Coming and going

    /// Puts work at the end of its key's line.
    ///
    /// - Parameters:
    ///   - namespace: whose key it is: the same key elsewhere is another one.
    ///   - kind: what it takes to do it.
    ///   - weight: turns in a row that the key has from now on, 1 or more.
    public mutating func join(
        _ ring: Int32, namespace: Namespace = .default, key: String, kind: String = "",
        weight: Int = 1, work: Int32
    ) -> WaitingLines.Place {
        let keyLine = line(of: RingKey(ring: ring, namespace: namespace, key: key), weight)
        return lines.join(part(of: keyLine, kind), work: work)
    }

    private mutating func line(of key: RingKey, _ weight: Int) -> Int32 {
        if let line = lineOfKey[key] {
            keyLines[line]?.weight = weight
            return line
        }
        let line = lines.open()
        lineOfKey[key] = line
        keyLines[line] = KeyLine(
            key: key, place: lines.join(key.ring, work: line), weight: weight, left: weight)
        return line
    }

    private mutating func part(of keyLine: Int32, _ kind: String) -> Int32 {
        var known: Int32?
        lines.visit(keyLine) { part in
            if parts[part]?.kind == kind { known = part }
            return known == nil
        }
        if let known { return known }
        let part = lines.open()
        parts[part] = Part(
            kind: kind, keyLine: keyLine, place: lines.join(keyLine, work: part))
        return part
    }

    /// The work at this place has had its turn: when its key has none left, that goes behind the
    /// others. The work stays in line.
    public mutating func turnTaken(_ place: WaitingLines.Place) {
        guard let line = parts[lines.line(of: place)]?.keyLine, let keyLine = keyLines[line] else {
            return
        }
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
        guard lines.count(line) == 0, let part = parts.removeValue(forKey: line) else { return }
        lines.leave(part.place)
        lines.close(line)
        guard lines.count(part.keyLine) == 0,
            let keyLine = keyLines.removeValue(forKey: part.keyLine)
        else { return }
        lineOfKey[keyLine.key] = nil
        lines.leave(keyLine.place)
        lines.close(part.keyLine)
    }

    // MARK: Who is next

    /// The work whose turn it is; it stays in line.
    public func head(_ ring: Int32) -> Int32? { first(ring) { _ in true } }

    /// The first work in a ring whose kind fits, key by key from the one whose turn it is.
    public func first(_ ring: Int32, where fits: (String) -> Bool) -> Int32? {
        var found: Int32?
        lines.visit(ring) { keyLine in
            found = oldest(keyLine, where: fits)
            return found == nil
        }
        return found
    }

    /// What joined first of the kinds that fit.
    private func oldest(_ keyLine: Int32, where fits: (String) -> Bool) -> Int32? {
        var best: (work: Int32, order: UInt64)?
        lines.visit(keyLine) { part in
            guard let kind = parts[part]?.kind, fits(kind), let front = lines.front(part) else {
                return true
            }
            if front.order < best?.order ?? .max { best = front }
            return true
        }
        return best?.work
    }

    /// All work in a ring, key by key from the one whose turn it is.
    public func all(_ ring: Int32) -> [Int32] {
        lines.all(ring).flatMap { lines.merged(lines.all($0)) }
    }

    /// How much work of the kinds that fit is in a ring.
    public func count(_ ring: Int32, where fits: (String) -> Bool) -> Int {
        var count = 0
        lines.visit(ring) { keyLine in
            lines.visit(keyLine) { part in
                if let kind = parts[part]?.kind, fits(kind) { count += lines.count(part) }
                return true
            }
            return true
        }
        return count
    }
}
