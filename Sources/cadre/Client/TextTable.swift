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

    /// The table as lines, without trailing spaces. Cells wider than 60 columns are cut, and what is
    /// not visible is shown as a code.
    var text: String {
        let all = ([head] + rows).map { $0.map(Self.cut) }
        let widths = head.indices.map { column in all.map { $0[column].columns }.max() ?? 0 }
        return all.map { line(of: $0, widths) }.joined(separator: "\n")
    }

    private func line(of cells: [String], _ widths: [Int]) -> String {
        let padded = cells.enumerated().map { column, cell in
            column == cells.count - 1
                ? cell : cell + String(repeating: " ", count: widths[column] - cell.columns)
        }
        var line = padded.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }

    private static func cut(_ cell: String) -> String {
        let cell = cell.visible
        return cell.columns > 60 ? cell.prefix(columns: 59) + "…" : cell
    }
}
