/// Many first-in, first-out lines over one pool of nodes: joining, leaving from anywhere and
/// taking the head are O(1). Work that waits for a free slot stands in these.
public struct WaitingLines: Sendable {
    /// A place in a line; valid until it is taken or left.
    public struct Place: Sendable, Hashable {
        fileprivate let node: Int32
    }

    private struct Node {
        var work: Int32
        var line: Int32
        /// Grows with every joining, over all lines.
        var order: UInt64
        var previous: Int32
        var next: Int32
    }

    private struct Line {
        var head: Int32 = -1
        var tail: Int32 = -1
        var count = 0
    }

    private var nodes: [Node] = []
    private var freeNodes: [Int32] = []
    private var lines: [Line] = []
    private var freeLines: [Int32] = []
    private var joined: UInt64 = 0

    /// No lines.
    public init() {}

    /// Opens an empty line and gives its number.
    public mutating func open() -> Int32 {
        if let line = freeLines.popLast() { return line }
        lines.append(Line())
        return Int32(lines.count - 1)
    }

    /// Closes an empty line; its number may name another one from now on.
    public mutating func close(_ line: Int32) {
        precondition(lines[Int(line)].count == 0, "a line with work in it was closed")
        freeLines.append(line)
    }

    /// How many wait in a line.
    public func count(_ line: Int32) -> Int { lines[Int(line)].count }

    /// Puts work at the end of a line.
    public mutating func join(_ line: Int32, work: Int32) -> Place {
        let tail = lines[Int(line)].tail
        joined += 1
        let node = Node(work: work, line: line, order: joined, previous: tail, next: -1)
        let index: Int32
        if let free = freeNodes.popLast() {
            index = free
            nodes[Int(index)] = node
        } else {
            index = Int32(nodes.count)
            nodes.append(node)
        }
        if tail >= 0 { nodes[Int(tail)].next = index } else { lines[Int(line)].head = index }
        lines[Int(line)].tail = index
        lines[Int(line)].count += 1
        return Place(node: index)
    }

    /// Takes work out of whatever line it stands in.
    public mutating func leave(_ place: Place) {
        let node = nodes[Int(place.node)]
        precondition(node.line >= 0, "a place in a line was left twice")
        let line = Int(node.line)
        if node.previous >= 0 {
            nodes[Int(node.previous)].next = node.next
        } else {
            lines[line].head = node.next
        }
        if node.next >= 0 {
            nodes[Int(node.next)].previous = node.previous
        } else {
            lines[line].tail = node.previous
        }
        lines[line].count -= 1
        nodes[Int(place.node)].line = -1
        freeNodes.append(place.node)
    }

    /// The line that a place is in.
    func line(of place: Place) -> Int32 { nodes[Int(place.node)].line }

    /// Shows the work in a line, from its head, as long as `visitor` wants more.
    func visit(_ line: Int32, _ visitor: (Int32) -> Bool) {
        var node = lines[Int(line)].head
        while node >= 0, visitor(nodes[Int(node)].work) { node = nodes[Int(node)].next }
    }

    /// The work at the head of a line, and when it joined beside that of other lines.
    func front(_ line: Int32) -> (work: Int32, order: UInt64)? {
        let head = lines[Int(line)].head
        return head < 0 ? nil : (nodes[Int(head)].work, nodes[Int(head)].order)
    }

    /// All work of several lines in the order of joining.
    func merged(_ parts: [Int32]) -> [Int32] {
        if parts.count == 1 { return all(parts[0]) }
        var found: [(work: Int32, order: UInt64)] = []
        for line in parts {
            var node = lines[Int(line)].head
            while node >= 0 {
                found.append((nodes[Int(node)].work, nodes[Int(node)].order))
                node = nodes[Int(node)].next
            }
        }
        return found.sorted { $0.order < $1.order }.map(\.work)
    }

    /// All work in a line, from its head.
    public func all(_ line: Int32) -> [Int32] {
        var work: [Int32] = []
        var node = lines[Int(line)].head
        while node >= 0 {
            work.append(nodes[Int(node)].work)
            node = nodes[Int(node)].next
        }
        return work
    }

    /// The work at the head of a line, which stays there.
    public func head(_ line: Int32) -> Int32? {
        let head = lines[Int(line)].head
        return head < 0 ? nil : nodes[Int(head)].work
    }
}
