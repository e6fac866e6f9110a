import Coordination
import Store
import Testing

/// Publications, for every store.
@Suite struct PublicationSuite {
    private static func row(
        _ sequence: Int64, _ topic: String, namespace: String = "shop", bytes: Int = 3
    ) -> PublicationRow {
        let content = PublicationContent(
            topic: topic,
            payload: Payload(
                bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: bytes),
                contentType: sequence % 2 == 0 ? "text/plain" : Payload.json),
            key: "k\(sequence)", attributes: [.init(name: "n", value: "v")], publisher: "me")
        return PublicationRow(
            namespace: namespace,
            publication: Publication(
                content, sequence: sequence, topicSequence: sequence * 10, atMillis: sequence * 100)
        )
    }

    private static func range(
        _ pattern: String = ">", from: Int64 = 1, through: Int64 = 100, limit: Int = 100,
        maxBytes: Int = 1 << 20, namespace: String = "shop"
    ) -> PublicationRange {
        PublicationRange(
            namespace: namespace, patterns: [TopicPattern(pattern)].compactMap { $0 }, from: from,
            through: through, limit: limit, maxBytes: maxBytes)
    }

    @Test(arguments: StoreKind.allCases)
    func `every column of a publication survives a restart`(_ kind: StoreKind) async throws {
        let under = try await StoreUnderTest(kind)
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        let rows = [
            Self.row(1, "a"), Self.row(2, "b.c"), Self.row(3, "a", bytes: 0),
            Self.row(1, "other", namespace: "bank"),
        ]
        #expect(await under.store.commit(epoch.batch(1) { $0.publications = rows }) == .committed)
        let store = try await under.restarted().store
        let page = try await store.publications(Self.range())
        #expect(page.publications.map(\.sequence) == [1, 2, 3])
        #expect(page.scannedThrough == 100)
        for (found, row) in zip(page.publications, rows) {
            let stored = row.publication
            #expect(
                found.topicSequence == stored.topicSequence && found.atMillis == stored.atMillis)
            #expect(found.content.topic == stored.content.topic)
            #expect(found.content.head == stored.content.head)
            #expect(found.content.payload == stored.content.payload)
        }
        let marks = try await store.marks("shop", after: 1)
        #expect(marks.map(\.topic) == ["b.c", "a"])
        #expect(marks.map(\.mark.sequence) == [2, 3])
        #expect(marks.map(\.mark.atMillis) == [200, 300])
        #expect(marks.map(\.mark.bytes) == rows[1...2].map(\.publication.content.byteCount))
        #expect(try await store.marks("shop", after: 0, limit: 1).count == 1)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `pages keep to pattern, ends, number and bytes`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let rows = (1...20).map { Self.row($0, $0 % 3 == 0 ? "a.third" : "b", bytes: 1_000) }
        #expect(await store.commit(epoch.batch(1) { $0.publications = rows }) == .committed)

        let all = try await store.publications(Self.range(through: 20))
        #expect(all.publications.count == 20 && all.scannedThrough == 20)
        let part = try await store.publications(Self.range(from: 5, through: 9))
        #expect(part.publications.map(\.sequence) == [5, 6, 7, 8, 9])
        let thirds = try await store.publications(Self.range("a.*", through: 20, limit: 2))
        #expect(thirds.publications.map(\.sequence) == [3, 6])
        #expect(thirds.scannedThrough == 8)
        let small = try await store.publications(Self.range(from: 2, through: 20, maxBytes: 2_100))
        #expect(small.publications.map(\.sequence) == [2, 3])
        #expect(small.scannedThrough == 3)
        let tiny = try await store.publications(Self.range(from: 2, through: 20, maxBytes: 1))
        #expect(tiny.publications.map(\.sequence) == [2])
        #expect(try await store.publications(Self.range(namespace: "bank")).publications.isEmpty)
        #expect(try await store.publications(Self.range("c")).scannedThrough == 100)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `removed ones are gone, and those that never were do no harm`(
        _ kind: StoreKind
    ) async throws {
        let under = try await StoreUnderTest(kind)
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        let rows = (1...3_000).map { Self.row(Int64($0), "a") }
        #expect(await under.store.commit(epoch.batch(1) { $0.publications = rows }) == .committed)
        let names = (1...2_990).map { PublicationName(namespace: "shop", sequence: Int64($0)) }
        let batch = epoch.batch(2) { batch in
            batch.removedPublications =
                names + names + [
                    PublicationName(namespace: "bank", sequence: 2_999),
                    PublicationName(namespace: "shop", sequence: 9_999),
                ]
        }
        #expect(await under.store.commit(batch) == .committed)
        let store = try await under.restarted().store
        let page = try await store.publications(Self.range(through: 9_999))
        #expect(page.publications.map(\.sequence) == Array(2_991...3_000))
        #expect(try await store.marks("shop", after: 2_998).map(\.mark.sequence) == [2_999, 3_000])
        await store.close()
    }
}

extension Store {
    func publications(_ range: PublicationRange) async throws -> PublicationPage {
        let answer = await withCheckedContinuation { continuation in
            query(.publications(range)) { continuation.resume(returning: $0) }
        }
        guard case .publications(let page) = try answer.get() else {
            throw StoreError(.failed, "another answer")
        }
        return page
    }

    func marks(
        _ namespace: String, after: Int64, limit: Int = 100
    ) async throws -> [PublicationMark] {
        let answer = await withCheckedContinuation { continuation in
            query(.publicationMarks(namespace: namespace, after: after, limit: limit)) {
                continuation.resume(returning: $0)
            }
        }
        guard case .publicationMarks(let marks) = try answer.get() else {
            throw StoreError(.failed, "another answer")
        }
        return marks
    }
}
