import Coordination

/// The prepared statements that write publications. Belongs to the store thread.
struct SQLitePublicationInsertions {
    private let insert, delete: SQLiteStatement

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        insert = try connection.prepare(
            """
            INSERT INTO publications (namespace, sequence, topic, topic_sequence, at_ms, bytes, head,
                payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
        delete = try connection.prepare(
            "DELETE FROM publications WHERE namespace = ?1 AND sequence = ?2")
    }

    /// Appends one publication.
    func insert(_ row: PublicationRow) throws(SQLiteFailure) {
        let publication = row.publication
        insert.bind(1, text: row.namespace)
        insert.bind(2, publication.sequence)
        insert.bind(3, text: publication.content.topic)
        insert.bind(4, publication.topicSequence)
        insert.bind(5, publication.atMillis)
        insert.bind(6, Int64(publication.content.byteCount))
        insert.bind(7, bytes: publication.content.head)
        try insert.run(blob: publication.content.payload.bytes, at: 8)
    }

    /// Removes one publication; harmless when it is not there.
    func delete(_ name: PublicationName) throws(SQLiteFailure) {
        delete.bind(1, text: name.namespace)
        delete.bind(2, name.sequence)
        try delete.run()
    }
}

/// The prepared statements that read publications. Belongs to one reader thread.
struct SQLitePublicationReads {
    private let scan, row, marks: SQLiteStatement

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        // What does not fit is passed over in the index; only what fits is fetched.
        scan = try connection.prepare(
            """
            SELECT sequence, topic, bytes, id FROM publications INDEXED BY publications_by_sequence
            WHERE namespace = ?1 AND sequence >= ?2 AND sequence <= ?3 ORDER BY sequence LIMIT ?4
            """)
        row = try connection.prepare(
            "SELECT topic_sequence, at_ms, head, payload FROM publications WHERE id = ?1")
        marks = try connection.prepare(
            """
            SELECT sequence, topic, bytes, at_ms FROM publications
                INDEXED BY publications_by_sequence
            WHERE namespace = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3
            """)
    }

    /// One page by ascending sequence.
    func page(_ range: PublicationRange) throws(SQLiteFailure) -> PublicationPage {
        scan.bind(1, text: range.namespace)
        scan.bind(2, range.from)
        scan.bind(3, range.through)
        scan.bind(4, Int64(PublicationRange.maxScanned))
        defer { scan.reset() }
        var builder = PublicationPageBuilder(range)
        while try scan.step() {
            let topic = scan.text(1)
            guard builder.take(sequence: scan.integer(0), topic: topic, bytes: Int(scan.integer(2)))
            else { continue }
            if builder.isFull { break }
            if let found = try publication(scan.integer(3), scan.integer(0), topic) {
                builder.add(found)
            }
        }
        return builder.finish()
    }

    private func publication(
        _ id: Int64, _ sequence: Int64, _ topic: String
    ) throws(SQLiteFailure) -> Publication? {
        row.bind(1, id)
        defer { row.reset() }
        guard try row.step() else { return nil }
        do throws(CodecError) {
            let content = try PublicationContent(
                topic: topic, head: row.bytes(2), bytes: row.bytes(3))
            return Publication(
                content, sequence: sequence, topicSequence: row.integer(0), atMillis: row.integer(1)
            )
        } catch {
            throw SQLiteFailure(unreadable: "publication \(sequence): \(error)")
        }
    }

    /// What a server that starts needs to know, by ascending sequence.
    func marks(
        _ namespace: String, after: Int64, limit: Int
    ) throws(SQLiteFailure) -> [PublicationMark] {
        marks.bind(1, text: namespace)
        marks.bind(2, after)
        marks.bind(3, Int64(limit))
        var found: [PublicationMark] = []
        while try marks.step() {
            found.append(
                PublicationMark(
                    topic: marks.text(1),
                    mark: TopicHistory.Mark(
                        sequence: marks.integer(0), atMillis: marks.integer(3),
                        bytes: Int(marks.integer(2)))))
        }
        return found
    }
}

/// Fills a page of publications: the rule that both stores follow.
struct PublicationPageBuilder {
    private let range: PublicationRange
    private var page: PublicationPage
    private var bytes = 0
    private var scanned = 0
    /// Whether the page has ended before everything was looked at.
    private(set) var isFull = false

    init(_ range: PublicationRange) {
        self.range = range
        page = PublicationPage(scannedThrough: range.from - 1)
    }

    /// Looks at the next publication. `true`: it fits, and is to be added unless the page is full
    /// now.
    mutating func take(sequence: Int64, topic: String, bytes added: Int) -> Bool {
        scanned += 1
        if range.patterns.match(topic) {
            let isOver = !page.publications.isEmpty && bytes + added > range.maxBytes
            if page.publications.count >= range.limit || isOver {
                isFull = true
                return true
            }
            bytes += added
            page.scannedThrough = sequence
            return true
        }
        page.scannedThrough = sequence
        return false
    }

    /// Whether more may be looked at.
    var goesOn: Bool { !isFull && scanned < PublicationRange.maxScanned }

    /// Adds one that fits.
    mutating func add(_ publication: Publication) { page.publications.append(publication) }

    /// The page as far as it is.
    func finish() -> PublicationPage {
        var page = page
        if goesOn { page.scannedThrough = range.through }
        return page
    }
}
