import Testing

/// The map, `Sources/README.md`, tells newcomers what these tests hold.
enum MapLaw {
    static let maxLines = 150

    /// One row of the map's table of rooms.
    struct Row: Equatable {
        let room: String
        let imports: Set<String>
    }

    /// Rows that begin with a floor's number; the cells are floor, room, what it is, imports, thread.
    static func rows(of map: String) -> [Row] {
        linesOf(map).compactMap { line in
            let cells = line.split(separator: "|").map(trimmed)
            guard cells.count >= 5, Int(cells[0]) != nil else { return nil }
            let imports = cells[3].split(separator: ",").map(trimmed).filter { $0 != "-" }
            return Row(
                room: cells[1].replacing("`", with: ""),
                imports: Set(imports.map { $0.replacing("C/", with: "") }))
        }
    }

    private static func trimmed(_ cell: Substring) -> String {
        let start = cell.drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }
}

@Suite struct MapLawTests {
    private let map = Repository.text(of: "Sources/README.md")

    @Test func `the map fits on a few screens`() {
        #expect(linesOf(map).count <= MapLaw.maxLines)
    }

    @Test func `every room has its row and every row its room`() {
        let mapped = Set(MapLaw.rows(of: map).map(\.room)).subtracting(["C/"])
        #expect(mapped == Repository.roomNames)
    }

    @Test func `the map names the imports that are held`() {
        for row in MapLaw.rows(of: map) {
            guard row.imports != ["everything"],
                let rule = houseTable.first(where: { $0.name == row.room })
            else { continue }
            let held = rule.rooms.filter {
                Repository.roomNames.contains($0) || cDoors.contains($0)
            }
            #expect(row.imports == held, "\(row.room)")
        }
    }

    @Test func `rows are read from a table`() {
        let map = """
            | Floor | Room | What | May import | Runs on |
            |---|---|---|---|---|
            | 0 | `JSON` | texts | - | any |
            | 2 | `Store` | tables | Threads, C/CSQLite | its own |
            """
        #expect(
            MapLaw.rows(of: map) == [
                MapLaw.Row(room: "JSON", imports: []),
                MapLaw.Row(room: "Store", imports: ["Threads", "CSQLite"]),
            ])
    }
}
