import Coordination
import Testing

/// Random work against what must always hold.
@Suite struct LockModelTests {
    private struct Chance {
        var state: UInt64

        mutating func below(_ limit: Int) -> Int {
            state &+= 0x9e37_79b9_7f4a_7c15
            return Int(StableHash.mix(state) % UInt64(limit))
        }
    }

    /// What the table must agree with: the simplest thing that can be said of it.
    private struct Model {
        var held: [UInt64: LockAcquire] = [:]
        /// The greatest token of each resource.
        var greatest: [String: UInt64] = [:]
        /// Who held each token.
        var owners: [UInt64: String] = [:]

        mutating func granted(_ acquire: LockAcquire) {
            for (wish, token) in zip(acquire.claim.wishes, acquire.tokens) {
                let own = held.values.filter {
                    $0.claim.owner == acquire.claim.owner && $0.token(of: wish.resource) != nil
                }
                let isUpgrade =
                    wish.mode == .exclusive
                    && !own.contains { $0.mode(of: wish.resource) == .exclusive }
                if let known = own.compactMap({ $0.token(of: wish.resource) }).max(), !isUpgrade {
                    #expect(known == token)
                } else {
                    #expect(token > greatest[wish.resource] ?? 0)
                    greatest[wish.resource] = token
                }
                #expect(owners[token] ?? acquire.claim.owner == acquire.claim.owner)
                owners[token] = acquire.claim.owner
                for other in held.values where other.claim.owner != acquire.claim.owner {
                    let theirs = other.claim.wishes.first { $0.resource == wish.resource }
                    if let theirs { #expect(theirs.mode == .shared && wish.mode == .shared) }
                }
            }
            held[acquire.serial] = acquire
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8])
    func `nobody holds beside somebody else, tokens grow, and nobody who can go on waits`(
        _ seed: UInt64
    ) {
        var chance = Chance(state: seed)
        var table = LockTable(base: 0)
        var model = Model()
        var waiting: Set<UInt64> = []
        var now = EngineTime(monotonicNanos: 0, wallMillis: 0)
        for step in 0..<3_000 {
            now.monotonicNanos += Int64(chance.below(20)) * 1_000_000
            var out = LockTable.Output()
            let batch = BatchNumber(rawValue: UInt64(step + 1))
            switch chance.below(10) {
            case 0..<5:
                let claim = randomClaim(&chance)
                let wait: LockWait =
                    chance.below(2) == 0
                    ? .always : .until(nanos: now.monotonicNanos + 50_000_000)
                let outcome = table.acquire(claim, wait, at: now, in: batch, into: &out)
                if case .granted(let serial) = outcome, let acquire = table.acquire(serial) {
                    model.granted(acquire)
                }
                if case .waits(let number) = outcome { waiting.insert(number) }
                if case .cycle(let steps) = outcome { check(steps, claim) }
            case 5..<9:
                let serials = model.held.keys.sorted()
                if serials.isEmpty { break }
                let serial = serials[chance.below(serials.count)]
                let owner = model.held[serial]?.claim.owner ?? ""
                #expect(
                    table.release(serial, owner: owner, at: now, in: batch, into: &out) == .done)
            default:
                while table.expireNext(at: now, in: batch, into: &out) {}
            }
            for (acquire, _) in out.ended { model.held[acquire.serial] = nil }
            for (number, serial) in out.granted {
                #expect(waiting.remove(number) != nil)
                if let acquire = table.acquire(serial) { model.granted(acquire) }
            }
            for (number, _) in out.timedOut { #expect(waiting.remove(number) != nil) }
            #expect(table.heldCount == model.held.count && table.waiterCount == waiting.count)
            expectFirstBlocked(table, model, waiting)
            expectAllBlocked(table, waiting, now)
        }
        // When all is released, everybody is served.
        var rounds = 0
        while let serial = model.held.keys.min(), rounds < 10_000 {
            rounds += 1
            var out = LockTable.Output()
            let owner = model.held[serial]?.claim.owner ?? ""
            _ = table.release(
                serial, owner: owner, at: now, in: BatchNumber(rawValue: 9_999), into: &out)
            model.held[serial] = nil
            for (number, next) in out.granted {
                waiting.remove(number)
                if let acquire = table.acquire(next) { model.granted(acquire) }
            }
        }
        #expect(waiting.isEmpty && table.heldCount == 0, "seed \(seed)")
    }

    private func randomClaim(_ chance: inout Chance) -> LockClaim {
        var wishes: [LockWish] = []
        for resource in ["a", "b", "c", "d"] where chance.below(3) == 0 || wishes.isEmpty {
            wishes.append(LockWish(resource, chance.below(2) == 0 ? .exclusive : .shared))
        }
        return LockClaim(
            wishes: wishes, owner: "o\(chance.below(6))",
            leaseMillis: Int64(100 + chance.below(400)))
    }

    private func check(_ steps: [LockStep], _ claim: LockClaim) {
        #expect(steps.first?.owner == claim.owner && steps.last?.blocker == claim.owner)
        for (one, next) in zip(steps, steps.dropFirst()) { #expect(one.blocker == next.owner) }
    }

    /// Nobody waits for what it could have at once if it came now.
    private func expectAllBlocked(
        _ table: LockTable, _ waiting: Set<UInt64>, _ now: EngineTime
    ) {
        for number in waiting {
            guard let claim = table.claim(of: number) else { continue }
            var other = table
            var out = LockTable.Output()
            let outcome = other.acquire(claim, .not, at: now, in: .none, into: &out)
            if case .granted = outcome { Issue.record("\(claim) waits though it could have it") }
        }
    }

    /// The one that came first of all waits for somebody who holds.
    private func expectFirstBlocked(
        _ table: LockTable, _ model: Model, _ waiting: Set<UInt64>
    ) {
        guard let first = waiting.min(), let claim = table.claim(of: first) else { return }
        let isBlocked = model.held.values.contains { acquire in
            acquire.claim.owner != claim.owner
                && acquire.claim.wishes.contains { held in
                    claim.wishes.contains {
                        $0.resource == held.resource
                            && ($0.mode == .exclusive || held.mode == .exclusive)
                    }
                }
        }
        #expect(isBlocked)
    }
}

extension LockAcquire {
    fileprivate func token(of resource: String) -> UInt64? {
        claim.wishes.firstIndex { $0.resource == resource }.map { tokens[$0] }
    }

    fileprivate func mode(of resource: String) -> LockMode? {
        claim.wishes.first { $0.resource == resource }?.mode
    }
}
