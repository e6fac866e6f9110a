/// Who waits for whom.
extension LockTable {
    /// Where a claim stands that came before the waiter `before`.
    func place(of claim: LockClaim, before waiter: UInt64) -> LockPlace {
        var position = 1
        for wish in claim.wishes {
            let ahead = resources[wish.resource]?.queue.prefix { $0.waiter < waiter }.count ?? 0
            position = max(position, ahead + 1)
        }
        let first = blockers(of: claim, before: waiter, all: false).first
        return LockPlace(
            position: position, resource: first?.resource ?? claim.wishes.first?.resource ?? "",
            holder: first?.owner ?? "")
    }

    /// The cycle that a claim would close if it waited: from its owner back to it.
    func cycle(_ claim: LockClaim) -> [LockStep]? {
        // Nobody waits for an owner that has nothing and stands in no line.
        guard owners[claim.owner] != nil else { return nil }
        var reached: [String: LockStep] = [:]
        var next: [String] = []
        func reach(_ blocker: Blocker, from owner: String) -> Bool {
            let step = LockStep(owner: owner, resource: blocker.resource, blocker: blocker.owner)
            if reached[blocker.owner] != nil { return false }
            reached[blocker.owner] = step
            next.append(blocker.owner)
            return blocker.owner == claim.owner
        }
        for blocker in blockers(of: claim, before: .max, all: true) {
            _ = reach(blocker, from: claim.owner)
        }
        while let owner = next.popLast() {
            for waiter in owners[owner]?.waiting ?? [] {
                guard let other = waiters[waiter]?.claim else { continue }
                for blocker in blockers(of: other, before: waiter, all: true)
                where reach(blocker, from: owner) {
                    return path(to: claim.owner, reached)
                }
            }
        }
        return nil
    }

    private func path(to owner: String, _ reached: [String: LockStep]) -> [LockStep] {
        var steps: [LockStep] = []
        var current = owner
        repeat {
            guard let step = reached[current] else { break }
            steps.append(step)
            current = step.owner
        } while current != owner
        return steps.reversed()
    }

    private struct Blocker {
        var resource: String
        var owner: String
    }

    /// Owners that a claim waits for. Those whom a blocker waits for in the same line are left out:
    /// they are found through it, so that a long line costs one look each.
    ///
    /// - Parameter all: `false`: the first that is found will do.
    private func blockers(
        of claim: LockClaim, before waiter: UInt64, all: Bool
    ) -> [Blocker] {
        var found: [Blocker] = []
        for wish in claim.wishes {
            guard let resource = resources[wish.resource] else { continue }
            var isReached = false
            if resource.holds[claim.owner] == nil {
                for entry in resource.queue.reversed() where entry.waiter < waiter {
                    guard entry.owner != claim.owner, entry.mode.excludes(wish.mode) else {
                        continue
                    }
                    found.append(Blocker(resource: wish.resource, owner: entry.owner))
                    if entry.mode == .exclusive, resource.holds[entry.owner] == nil {
                        isReached = true
                        break
                    }
                }
            }
            if !isReached {
                for owner in resource.holders(against: wish.mode, claim.owner) {
                    found.append(Blocker(resource: wish.resource, owner: owner))
                }
            }
            if !all, !found.isEmpty { return found }
        }
        return found
    }
}

extension LockTable.Resource {
    /// All owners that hold it so that another one cannot hold it in a mode.
    fileprivate func holders(against mode: LockMode, _ owner: String) -> [String] {
        if let exclusiveOwner { return exclusiveOwner == owner ? [] : [exclusiveOwner] }
        return mode == .shared ? [] : holds.keys.filter { $0 != owner }
    }
}
