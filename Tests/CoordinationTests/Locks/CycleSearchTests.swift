import Testing

@testable import Coordination

@Suite struct CycleSearchTests {
    private var table = LockTable(base: 0)
    private let now = EngineTime(monotonicNanos: 0, wallMillis: 0)
    private var state: UInt64 = 1

    private mutating func acquire(_ owner: String, _ wishes: [LockWish]) -> LockTable.Outcome {
        var out = LockTable.Output()
        return table.acquire(
            LockClaim(wishes: wishes, owner: owner, leaseMillis: 1_000), .always, at: now,
            in: .none, into: &out)
    }

    @Test mutating func `a long line costs a few looks for each place`() {
        let wishes = (0..<4).map { LockWish("r\($0)", .shared) }
        let all = wishes.map { LockWish($0.resource, .exclusive) }
        _ = acquire("holder", all)
        _ = acquire("writer", all)
        for reader in 0..<900 { _ = acquire("reader\(reader)", wishes) }
        // Whoever holds nothing and waits for nothing is not searched for.
        _ = acquire("last", [LockWish("own", .exclusive)])
        var search = CycleSearch(of: ExactName("last"))
        let claim = LockClaim(wishes: all, owner: "last", leaseMillis: 1_000)
        let cycle = search.cycle(from: claim, in: table)
        #expect(cycle == nil)
        #expect(search.looks <= 4 * 3 * 902)
    }

    @Test mutating func `many who hold a resource are looked at once, not for each waiter`() {
        for reader in 0..<500 { _ = acquire("reader\(reader)", [LockWish("r", .shared)]) }
        for reader in 0..<500 {
            _ = acquire("reader\(reader)", [LockWish("s\(reader)", .exclusive)])
        }
        _ = acquire("writer", [LockWish("own", .exclusive)])
        for reader in 0..<499 {
            // Each upgrade waits for all the others, so only the first may wait.
            _ = acquire("reader\(reader)", [LockWish("r", .exclusive)])
        }
        var search = CycleSearch(of: ExactName("writer"))
        let claim = LockClaim(
            wishes: [LockWish("r", .exclusive)], owner: "writer", leaseMillis: 1_000)
        #expect(search.cycle(from: claim, in: table) == nil)
        #expect(search.looks <= 2_000)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    mutating func `it finds a way exactly when there is one`(_ seed: UInt64) {
        state = seed
        var found = 0
        for step in 0..<2_000 {
            let owner = "o\(chance(8))"
            let wishes = ["a", "b", "c", "d", "e"].filter { _ in chance(4) == 0 }.map {
                LockWish($0, chance(2) == 0 ? .exclusive : .shared)
            }
            if wishes.isEmpty { continue }
            let claim = LockClaim(wishes: wishes, owner: owner, leaseMillis: 1_000)
            let isCycle = table.cycle(claim) != nil
            #expect(isCycle == isWay(claim), "seed \(seed), step \(step)")
            if isCycle { found += 1 }
            _ = acquire(owner, wishes)
            if chance(3) == 0 { releaseSome() }
        }
        #expect(found > 20, "seed \(seed) tries nothing")
    }

    private mutating func releaseSome() {
        let serials = table.resources.values.flatMap { $0.holds.values.flatMap(\.acquires) }
            .map(\.serial).sorted()
        guard !serials.isEmpty else { return }
        let serial = serials[chance(serials.count)]
        let owner = table.acquire(serial)?.claim.owner ?? ""
        var out = LockTable.Output()
        _ = table.release(serial, owner: owner, at: now, in: .none, into: &out)
    }

    /// The plain way: everybody whom somebody waits for, again and again.
    private func isWay(_ claim: LockClaim) -> Bool {
        guard table.owners[claim.ownerName] != nil else { return false }
        var reached = blockers(claim, before: .max)
        var size = -1
        while size != reached.count {
            size = reached.count
            for owner in reached {
                for waiter in table.owners[owner]?.waiting ?? [] {
                    guard let other = table.waiters[waiter]?.claim else { continue }
                    reached.formUnion(blockers(other, before: waiter))
                }
            }
        }
        return reached.contains(claim.ownerName)
    }

    private func blockers(_ claim: LockClaim, before waiter: UInt64) -> Set<ExactName> {
        var found: Set<ExactName> = []
        for wish in claim.wishes {
            guard let resource = table.resources[wish.name] else { continue }
            for (holder, hold) in resource.holds where hold.mode.excludes(wish.mode) {
                found.insert(holder)
            }
            if resource.holds[claim.ownerName] != nil { continue }
            for entry in resource.queue
            where entry.waiter < waiter && entry.mode.excludes(wish.mode) {
                found.insert(entry.owner)
            }
        }
        found.remove(claim.ownerName)
        return found
    }

    private mutating func chance(_ bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Int(StableHash.mix(state) % UInt64(bound))
    }
}
