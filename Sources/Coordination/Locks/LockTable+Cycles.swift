/// Who waits for whom.
extension LockTable {
    /// Where a claim stands that came before the waiter `before`.
    func place(of claim: LockClaim, before waiter: UInt64) -> LockPlace {
        var position = 1
        for wish in claim.wishes {
            let ahead = resources[wish.name]?.queue.prefix { $0.waiter < waiter }.count ?? 0
            position = max(position, ahead + 1)
        }
        let first = blockers(of: claim, before: waiter, all: false).first
        return LockPlace(
            position: position, resource: first?.resource ?? claim.wishes.first?.resource ?? "",
            holder: first?.owner.text ?? "")
    }

    /// The cycle that a claim would close if it waited: from its owner back to it.
    func cycle(_ claim: LockClaim) -> [LockStep]? {
        // Nobody waits for an owner that has nothing and stands in no line.
        guard owners[claim.ownerName] != nil else { return nil }
        var reached: [ExactName: LockStep] = [:]
        var next: [ExactName] = []
        func reach(_ blocker: Blocker, from owner: ExactName) -> Bool {
            let step = LockStep(
                owner: owner.text, resource: blocker.resource, blocker: blocker.owner.text)
            if reached[blocker.owner] != nil { return false }
            reached[blocker.owner] = step
            next.append(blocker.owner)
            return blocker.owner == claim.ownerName
        }
        for blocker in blockers(of: claim, before: .max, all: true) {
            _ = reach(blocker, from: claim.ownerName)
        }
        while let owner = next.popLast() {
            for waiter in owners[owner]?.waiting ?? [] {
                guard let other = waiters[waiter]?.claim else { continue }
                for blocker in blockers(of: other, before: waiter, all: true)
                where reach(blocker, from: owner) {
                    return path(to: claim.ownerName, reached)
                }
            }
        }
        return nil
    }

    private func path(to owner: ExactName, _ reached: [ExactName: LockStep]) -> [LockStep] {
        var steps: [LockStep] = []
        var current = owner
        repeat {
            guard let step = reached[current] else { break }
            steps.append(step)
            current = ExactName(step.owner)
        } while current != owner
        return steps.reversed()
    }

    private struct Blocker {
        var resource: String
        var owner: ExactName
    }

    /// Owners that a claim waits for. Those whom a blocker waits for in the same line are left out:
    /// they are found through it, so that a long line costs one look each.
    ///
    /// - Parameter all: `false`: the first that is found will do.
    private func blockers(
        of claim: LockClaim, before waiter: UInt64, all: Bool
    ) -> [Blocker] {
        var found: [Blocker] = []
        let own = claim.ownerName
        for wish in claim.wishes {
            guard let resource = resources[wish.name] else { continue }
            var isReached = false
            if resource.holds[own] == nil {
                for entry in resource.queue.reversed() where entry.waiter < waiter {
                    guard entry.owner != own, entry.mode.excludes(wish.mode) else {
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
                for owner in resource.holders(against: wish.mode, own) {
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
    fileprivate func holders(against mode: LockMode, _ owner: ExactName) -> [ExactName] {
        if let exclusiveOwner { return exclusiveOwner == owner ? [] : [exclusiveOwner] }
        return mode == .shared ? [] : holds.keys.filter { $0 != owner }
    }
}
