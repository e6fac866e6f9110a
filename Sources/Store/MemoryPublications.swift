import Coordination

/// The publications of one namespace in memory, by ascending sequence.
struct MemoryPublications: Sendable {
    private var sequences: [Int64] = []
    /// One for each sequence; `nil`: removed.
    private var rows: [Publication?] = []
    private var removed = 0

    /// Adds the newest.
    mutating func append(_ publication: Publication) {
        sequences.append(publication.sequence)
        rows.append(publication)
    }

    /// Takes one out and gives it; `nil`: it is not there.
    mutating func remove(_ sequence: Int64) -> Publication? {
        let index = firstIndex(from: sequence)
        guard index < rows.count, sequences[index] == sequence, let gone = rows[index] else {
            return nil
        }
        rows[index] = nil
        removed += 1
        if removed > 1_024, removed * 2 > rows.count { compact() }
        return gone
    }

    private mutating func compact() {
        let kept = rows.compactMap { $0 }
        rows = kept
        sequences = kept.map(\.sequence)
        removed = 0
    }

    /// Where the first with at least this sequence stands, or would stand.
    private func firstIndex(from sequence: Int64) -> Int {
        sequences.sortedIndex { $0 < sequence }
    }

    /// One page, as the durable store gives it.
    func page(_ range: PublicationRange) -> PublicationPage {
        var builder = PublicationPageBuilder(range)
        for row in rows[firstIndex(from: range.from)...] {
            guard let row else { continue }
            if row.sequence > range.through || !builder.goesOn { break }
            guard
                builder.take(
                    sequence: row.sequence, topic: row.content.topic, bytes: row.content.byteCount)
            else { continue }
            if builder.isFull { break }
            builder.add(row)
        }
        return builder.finish()
    }

    /// What a server that starts needs to know.
    func marks(after: Int64, limit: Int) -> [PublicationMark] {
        rows[firstIndex(from: after + 1)...].lazy.compactMap { $0 }.prefix(limit).map { row in
            PublicationMark(
                topic: row.content.topic,
                mark: TopicHistory.Mark(
                    sequence: row.sequence, atMillis: row.atMillis, bytes: row.content.byteCount))
        }
    }
}
