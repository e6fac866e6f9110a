import Coordination
import Store
import Testing

/// Entities and the audit log, for every store.
@Suite struct EntitySuite {
    @Test(arguments: StoreKind.allCases)
    func `an entity is inserted, replaced in place and deleted`(_ kind: StoreKind) async throws {
        let under = try await StoreUnderTest(kind)
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        let others = [
            Rows.entity("a", namespace: "bank", blob: [3]),
            Rows.entity("a", kind: .schedule, blob: [4]), Rows.entity("b", blob: []),
        ]
        #expect(
            await under.store.commit(
                epoch.batch(1) { $0.entities = [Rows.entity("a")] + others }) == .committed)
        let newer = Rows.entity("a", blob: [1, 9, 9])
        #expect(await under.store.commit(epoch.batch(2) { $0.entities = [newer] }) == .committed)
        #expect(
            try await under.store.recoverAll().flatMap(\.entities) == [newer] + others)

        let gone = [Rows.entity("a", blob: nil), Rows.entity("never", blob: nil)]
        #expect(await under.store.commit(epoch.batch(3) { $0.entities = gone }) == .committed)
        let again = try await under.restarted()
        #expect(try await again.store.recoverAll().flatMap(\.entities) == others)
        #expect(try await again.store.entities(.breaker, in: "shop") == [others[2]])
        await again.store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `rows of one batch apply in their order`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let rows = [
            Rows.entity("a"), Rows.entity("a", blob: nil), Rows.entity("b"),
            Rows.entity("b", blob: [5]),
        ]
        #expect(await store.commit(epoch.batch(1) { $0.entities = rows }) == .committed)
        #expect(try await store.entities(.breaker, in: "shop") == [rows[3]])
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `cold kinds stay in the store and are read by pages`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let keys = ["b", "a", "ä", "", "ab", "B", "a\0"]
        let batch = epoch.batch(1) { batch in
            batch.entities = keys.map { Rows.entity($0, kind: .deadLetter) }
            batch.entities += [
                Rows.entity("a", kind: .deadLetter, namespace: "bank"), Rows.entity("a"),
            ]
        }
        #expect(await store.commit(batch) == .committed)
        #expect(try await store.recoverAll().flatMap(\.entities).map(\.key) == ["a"])
        var read: [String] = []
        var after: String?
        repeat {
            let page = try await store.entities(
                .deadLetter, in: "shop", after: after, limit: 2
            ).map(\.key)
            read += page
            after = page.last
        } while after != nil
        #expect(read == ["", "B", "a", "a\0", "ab", "b", "ä"])
        #expect(try await store.entities(.deadLetter, in: "shop", limit: 0).isEmpty)
        #expect(try await store.entities(.deadLetter, in: "shop", limit: -1).isEmpty)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `brief entities come and go like others, and come last`(_ kind: StoreKind) async throws {
        let under = try await StoreUnderTest(kind, StoreLimits(recoveryPageRows: 2))
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        let brief = (1...5).map { Rows.entity("000\($0)", kind: .lockAcquire) }
        #expect(
            await under.store.commit(
                epoch.batch(1) { $0.entities = brief + [Rows.entity("a")] }) == .committed)
        var end = brief[2]
        end.blob = nil
        var renewed = brief[3]
        renewed.blob = [9]
        // What comes and goes in one batch was never there.
        let fleeting = Rows.entity("0009", kind: .lockAcquire)
        var gone = fleeting
        gone.blob = nil
        #expect(
            await under.store.commit(
                epoch.batch(2) { $0.entities = [end, renewed, fleeting, gone] }) == .committed)
        let left = [brief[0], brief[1], renewed, brief[4]]
        #expect(try await under.store.entities(.lockAcquire, in: "shop") == left)
        let again = try await under.restarted()
        let recovered = try await again.store.recoverAll().flatMap(\.entities)
        #expect(recovered == [Rows.entity("a")] + left)
        await again.store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `entities belong to their shard`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let other = ShardID(number: 7)
        let epoch = try await store.claim(.only, wallMillis: 0)
        let otherEpoch = try await store.claim(other, wallMillis: 0)
        let mine = Rows.entity("a")
        let theirs = Rows.entity("a", blob: [8])
        #expect(await store.commit(epoch.batch(1) { $0.entities = [mine] }) == .committed)
        #expect(
            await store.commit(otherEpoch.batch(1, shard: other) { $0.entities = [theirs] })
                == .committed)
        #expect(try await store.recoverAll().flatMap(\.entities) == [mine])
        #expect(try await store.recoverAll(other).flatMap(\.entities) == [theirs])
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `audit lines are numbered without gaps and keep every column`(
        _ kind: StoreKind
    ) async throws {
        let under = try await StoreUnderTest(kind)
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        var rows = (1...5).map { Rows.audit("a\($0)") }
        rows[4].before = ""
        rows[4].after = "ö\0"
        for (index, row) in rows.enumerated() {
            #expect(
                await under.store.commit(epoch.batch(UInt64(index) + 1) { $0.audits = [row] })
                    == .committed)
        }
        let store = try await under.restarted().store
        let epochAfter = try await store.claim(.only, wallMillis: 0)
        rows += [Rows.audit("b1"), Rows.audit("b2")]
        #expect(
            await store.commit(epochAfter.batch(1) { $0.audits = Array(rows[5...]) })
                == .committed)
        for index in rows.indices { rows[index].sequence = Int64(index) + 1 }
        #expect(try await store.audit() == rows.reversed())
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `audit pages go back in time and keep to their filters`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let batch = epoch.batch(1) { batch in
            for number in 0..<12 {
                batch.audits.append(
                    Rows.audit(
                        "\(number)", subject: number % 2 == 0 ? "even" : "odd",
                        namespace: number % 3 == 0 ? "bank" : "shop"))
            }
        }
        #expect(await store.commit(batch) == .committed)
        func actions(_ rows: [AuditRow]) -> [String] { rows.map(\.action) }
        #expect(actions(try await store.audit(limit: 3)) == ["11", "10", "9"])
        #expect(actions(try await store.audit(before: 10, limit: 3)) == ["8", "7", "6"])
        #expect(actions(try await store.audit(namespace: "bank")) == ["9", "6", "3", "0"])
        #expect(actions(try await store.audit(subject: "odd", limit: 2)) == ["11", "9"])
        #expect(
            actions(try await store.audit(namespace: "shop", subject: "even"))
                == ["10", "8", "4", "2"])
        #expect(try await store.audit(namespace: "none").isEmpty)
        #expect(try await store.audit(before: 1).isEmpty)
        await store.close()
    }
}
