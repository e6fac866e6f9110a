/// Who waits for whom.
extension LockTable {
    /// Where a claim stands that came before the waiter `before`.
    func place(of claim: LockClaim, before waiter: UInt64) -> LockPlace {
        var position = 1
        for wish in claim.wishes {
            let ahead = resources[wish.name]?.place(of: waiter) ?? 0
            position = max(position, ahead + 1)
        }
        let first = firstBlocker(of: claim, before: waiter)
        return LockPlace(
            position: position, resource: first?.resource ?? claim.wishes.first?.resource ?? "",
            holder: first?.owner.text ?? "")
    }

    /// The cycle that a claim would close if it waited: from its owner back to it.
    func cycle(_ claim: LockClaim) -> [LockStep]? {
        // Nobody waits for an owner that has nothing and stands in no line.
        guard owners[claim.ownerName] != nil else { return nil }
        var search = CycleSearch(of: claim.ownerName)
        return search.cycle(from: claim, in: self)
    }

    /// One owner that a claim waits for, and the resource for which it does.
    private func firstBlocker(
        of claim: LockClaim, before waiter: UInt64
    ) -> (resource: String, owner: ExactName)? {
        let own = claim.ownerName
        for wish in claim.wishes {
            guard let resource = resources[wish.name] else { continue }
            let ahead = resource.queue[..<resource.place(of: waiter)]
            if resource.holds[own] == nil,
                let entry = ahead.last(where: { $0.owner != own && $0.mode.excludes(wish.mode) })
            {
                return (wish.resource, entry.owner)
            }
            if let owner = resource.holder(against: wish.mode, own) {
                return (wish.resource, owner)
            }
        }
        return nil
    }
}

extension LockTable.Resource {
    /// How many waiters stand before one that does, or would, come with this number.
    func place(of waiter: UInt64) -> Int { queue.sortedIndex { $0.waiter < waiter } }
}
