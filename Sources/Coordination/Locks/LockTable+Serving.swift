/// Who gets what became free.
extension LockTable {
    /// Gives what became free to those that wait for it, in their order.
    mutating func serve(
        _ names: [ExactName], at now: EngineTime, in batch: BatchNumber, into out: inout Output
    ) {
        for name in names {
            // An owner with an exclusive waiter that cannot be served: no other owner passes it.
            var first: ExactName?
            for entry in resources[name]?.queue ?? [] {
                if let first, entry.owner != first {
                    if entry.mode == .exclusive { break }
                    continue
                }
                if take(entry.waiter, at: now, in: batch, into: &out) { continue }
                if first == nil, entry.mode == .exclusive,
                    resources[name]?.holds[entry.owner] == nil
                {
                    serveHolders(name, behind: entry.waiter, at: now, in: batch, into: &out)
                    first = entry.owner
                }
            }
        }
    }

    /// Those who hold the resource already pass every waiter for it.
    private mutating func serveHolders(
        _ name: ExactName, behind waiter: UInt64, at now: EngineTime, in batch: BatchNumber,
        into out: inout Output
    ) {
        for owner in (resources[name]?.holds.keys).map(Array.init) ?? [] {
            for other in owners[owner]?.waiting ?? [] where other > waiter {
                let wants = waiters[other]?.claim.wishes.contains { $0.name == name } ?? false
                if wants { _ = take(other, at: now, in: batch, into: &out) }
            }
        }
    }

    /// Grants a waiter what it wants if it can have it, and what its owner can have for that.
    private mutating func take(
        _ number: UInt64, at now: EngineTime, in batch: BatchNumber, into out: inout Output
    ) -> Bool {
        guard let claim = claimTaken(by: number, at: now, in: batch, into: &out) else {
            return false
        }
        serveOwner(of: claim, at: now, in: batch, into: &out)
        return true
    }

    /// An owner that has come to hold something passes the lines for it with all else that it waits
    /// for there.
    mutating func serveOwner(
        of claim: LockClaim, at now: EngineTime, in batch: BatchNumber, into out: inout Output
    ) {
        var granted = [claim]
        while let claim = granted.popLast(), owners[claim.ownerName]?.waiting.isEmpty == false {
            for wish in claim.wishes {
                for entry in resources[wish.name]?.queue ?? [] where entry.owner == claim.ownerName
                {
                    let next = claimTaken(by: entry.waiter, at: now, in: batch, into: &out)
                    if let next { granted.append(next) }
                }
            }
        }
    }

    /// What a waiter wanted, if it could have it and has it now.
    private mutating func claimTaken(
        by number: UInt64, at now: EngineTime, in batch: BatchNumber, into out: inout Output
    ) -> LockClaim? {
        guard let claim = waiters[number]?.claim, isFree(claim, before: number) else { return nil }
        _ = remove(waiter: number, into: &out)
        out.granted.append((number, grant(claim, at: now, in: batch, into: &out)))
        return claim
    }
}
