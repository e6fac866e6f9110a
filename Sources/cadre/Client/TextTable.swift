/// Aligned columns for a terminal.
struct TextTable {
    private let head: [String]
    private var rows: [[String]] = []

    /// A table with these column heads.
    init(_ head: String...) {
        self.head = head
    }

    /// Adds a row; it has as many cells as the head.
    mutating func add(_ cells: String...) {
        rows.append(cells)
    }

    /// The table as lines, without trailing spaces. Cells longer than 60 characters are cut, and
    /// control characters are shown as codes.
    var text: String {
        let all = ([head] + rows).map { $0.map(Self.cut) }
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { line(of: $0, widths) }.joined(separator: "\n")
    }

    private func line(of cells: [String], _ widths: [Int]) -> String {
        let padded = cells.enumerated().map { column, cell in
            column == cells.count - 1
                ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
        }
        var line = padded.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }

    private static func cut(_ cell: String) -> String {
        let cell = cell.visible
        return cell.count <= 60 ? cell : cell.prefix(59) + "…"
    }
}
