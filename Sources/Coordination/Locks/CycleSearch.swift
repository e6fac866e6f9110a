/// The search for a way from an owner that would wait back to that owner.
///
/// It goes from owner to owner: to those whom one waits for, and on to those whom they wait for. Each
/// place of a line is looked at twice at most and the holders of a resource once, however many wait:
/// where one look has been, all that it leads to is reached, or will be.
struct CycleSearch {
    /// What of one resource was looked at.
    private struct Seen {
        /// For each place of the line, whether who stands there was looked at on the way down to the
        /// next waiter through which all others are found: for an exclusive wish, or for any.
        private var forExclusive: [Bool]
        private var forAny: [Bool]
        /// Whether its holders are reached: the one that excludes all, or all.
        var hasExclusiveOwner = false
        var hasHolders = false

        init(places: Int) {
            forExclusive = Array(repeating: false, count: places)
            forAny = forExclusive
        }

        /// Notes a look at a place; `false`: there was one, and so at all below that it leads to.
        mutating func look(at place: Int, for mode: LockMode) -> Bool {
            if mode == .exclusive ? forExclusive[place] : forAny[place] { return false }
            if mode == .exclusive { forExclusive[place] = true }
            forAny[place] = true
            return true
        }
    }

    private let owner: ExactName
    private var seen: [ExactName: Seen] = [:]
    /// How each owner was reached.
    private var steps: [ExactName: LockStep] = [:]
    private var next: [ExactName] = []
    /// Places of lines and holders that were looked at: what it costs.
    private(set) var looks = 0

    /// A search that has not begun, for ways back to an owner.
    init(of owner: ExactName) { self.owner = owner }

    /// The steps from the owner back to it, if a claim of it waited.
    mutating func cycle(from claim: LockClaim, in table: LockTable) -> [LockStep]? {
        reachBlockers(of: claim, before: .max, in: table)
        // What it passed over in a line as its own is a way back for others.
        seen = [:]
        while let reached = next.popLast(), steps[owner] == nil {
            for waiter in table.owners[reached]?.waiting ?? [] {
                guard let other = table.waiters[waiter]?.claim else { continue }
                reachBlockers(of: other, before: waiter, in: table)
            }
        }
        return steps[owner] == nil ? nil : path()
    }

    private func path() -> [LockStep] {
        var path: [LockStep] = []
        var current = owner
        repeat {
            guard let step = steps[current] else { break }
            path.append(step)
            current = ExactName(step.owner)
        } while current != owner
        return path.reversed()
    }

    private mutating func reachBlockers(
        of claim: LockClaim, before waiter: UInt64, in table: LockTable
    ) {
        for wish in claim.wishes {
            guard let resource = table.resources[wish.name] else { continue }
            let own = claim.ownerName
            // Whoever holds it passes the line for it.
            let isBehind =
                resource.holds[own] == nil
                && reachLine(of: resource, wish, own, before: waiter)
            if !isBehind { reachHolders(of: resource, wish, own) }
        }
    }

    /// Reaches those before a waiter in the line for a resource that it cannot pass.
    ///
    /// - Returns: whether one of them waits for all that is left, so that it is found through that.
    private mutating func reachLine(
        of resource: LockTable.Resource, _ wish: LockWish, _ own: ExactName, before waiter: UInt64
    ) -> Bool {
        var known = seen.removeValue(forKey: wish.name) ?? Seen(places: resource.queue.count)
        defer { seen[wish.name] = known }
        for place in (0..<resource.place(of: waiter)).reversed() {
            if !known.look(at: place, for: wish.mode) { return true }
            looks += 1
            let entry = resource.queue[place]
            guard entry.owner != own, entry.mode.excludes(wish.mode) else { continue }
            reach(entry.owner, of: wish, from: own)
            if entry.mode == .exclusive, resource.holds[entry.owner] == nil { return true }
        }
        return false
    }

    /// Reaches those who hold a resource so that a waiter cannot have it.
    private mutating func reachHolders(
        of resource: LockTable.Resource, _ wish: LockWish, _ own: ExactName
    ) {
        var known = seen.removeValue(forKey: wish.name) ?? Seen(places: resource.queue.count)
        defer { seen[wish.name] = known }
        if let exclusive = resource.exclusiveOwner {
            if known.hasExclusiveOwner { return }
            known.hasExclusiveOwner = true
            looks += 1
            if exclusive != own { reach(exclusive, of: wish, from: own) }
        } else if wish.mode == .exclusive, !known.hasHolders {
            known.hasHolders = true
            looks += resource.holds.count
            for holder in resource.holds.keys where holder != own {
                reach(holder, of: wish, from: own)
            }
        }
    }

    private mutating func reach(_ blocker: ExactName, of wish: LockWish, from own: ExactName) {
        if steps[blocker] != nil { return }
        steps[blocker] = LockStep(
            owner: own.text, resource: wish.resource, blocker: blocker.text)
        next.append(blocker)
    }
}
