/// The locks of one namespace: who holds what, who waits, and when what ends.
///
/// A pure machine. One line for each resource, in the order of arrival: a waiter is served when
/// nobody else holds what it wants in a way that excludes it, and nobody who came before it waits so.
/// Whoever holds a resource passes the line for it, since those in it wait for that owner anyway; so
/// does whoever stands in it with nobody but itself before.
/// All resources of a claim are taken at once, so that half a claim blocks nobody.
///
/// Tokens come from one counter that begins anew, and higher, in each epoch: they grow for every
/// resource for ever, and nothing is kept of resources that nobody holds. Acquires of one owner share
/// the token of a resource, until one is the first that is exclusive.
public struct LockTable: Sendable {
    /// What came of a change, for whoever must write or tell it.
    public struct Output: Sendable {
        /// Waiters that got what they wanted, and under which acquire.
        public var granted: [(waiter: UInt64, acquire: UInt64)] = []
        public var ended: [(acquire: LockAcquire, end: LockEnd)] = []
        /// Waiters whose time was over.
        public var timedOut: [(waiter: UInt64, place: LockPlace)] = []
        /// Resources whose line changed, or who holds them; a name may come more than once.
        public var touched: [ExactName] = []

        /// Nothing.
        public init() {}
    }

    /// What became of a wish to acquire.
    public enum Outcome: Sendable, Equatable {
        /// It is held under this serial.
        case granted(UInt64)
        /// It waits under this number.
        case waits(UInt64)
        case busy(LockPlace)
        /// Waiting would never end.
        case cycle([LockStep])
        case full(LockBound)
    }

    /// What became of a wish about an acquire.
    public enum Answer: Sendable, Equatable {
        case done
        /// It is not held, or no more.
        case notHeld
        /// It is another owner's.
        case foreign
    }

    struct QueueEntry: Sendable {
        var waiter: UInt64
        var owner: ExactName
        var mode: LockMode
    }

    struct Waiter: Sendable {
        var claim: LockClaim
        var sinceMillis: Int64
        /// Wall clock; 0: for ever.
        var untilMillis: Int64
        /// Handle of its end; -1: it has none.
        var timer: Int32 = -1
    }

    struct Owner: Sendable {
        var acquires = 0
        /// Ascending.
        var waiting: [UInt64] = []

        var isForgotten: Bool { acquires == 0 && waiting.isEmpty }
    }

    private struct Held: Sendable {
        var acquire: LockAcquire
        var timer: Int32
    }

    private enum Deadline: Sendable {
        case lease(UInt64)
        case wait(UInt64)
    }

    /// Its bounds.
    public let limits: LockLimits
    private(set) var resources: [ExactName: Resource] = [:]
    private(set) var waiters: [UInt64: Waiter] = [:]
    private(set) var owners: [ExactName: Owner] = [:]
    private var held: [UInt64: Held] = [:]
    private var deadlines = IndexedHeap<Deadline>()
    /// The greatest number that an acquire or a waiter was given.
    public private(set) var lastSerial: UInt64
    /// The newest batch that set a resource free that is forgotten since.
    private var freedIn = BatchNumber.none

    /// No locks.
    ///
    /// - Parameter base: above every serial of earlier epochs.
    public init(
        base: UInt64, limits: LockLimits = LockLimits(), freedIn: BatchNumber = .none
    ) {
        lastSerial = base
        self.freedIn = freedIn
        self.limits = limits
    }

    /// Acquires that hold something, and waiters.
    public var heldCount: Int { held.count }
    public var waiterCount: Int { waiters.count }

    /// When something ends by itself, by the monotonic clock.
    public var nextDeadlineNanos: Int64? { deadlines.smallestKey }

    /// An acquire that is held.
    public func acquire(_ serial: UInt64) -> LockAcquire? { held[serial]?.acquire }

    /// What a waiter wants.
    public func claim(of waiter: UInt64) -> LockClaim? { waiters[waiter]?.claim }

    // MARK: Acquiring

    /// Acquires, waits or refuses.
    ///
    /// - Parameter batch: the one that would hold the acquire.
    public mutating func acquire(
        _ claim: LockClaim, _ wait: LockWait, at now: EngineTime, in batch: BatchNumber,
        into out: inout Output
    ) -> Outcome {
        if let bound = bound(for: claim) { return .full(bound) }
        if isFree(claim, before: .max) {
            let serial = grant(claim, at: now, in: batch, into: &out)
            serveOwner(of: claim, at: now, in: batch, into: &out)
            return .granted(serial)
        }
        if case .not = wait { return .busy(place(of: claim, before: .max)) }
        if let bound = waitBound(for: claim) { return .full(bound) }
        if let cycle = cycle(claim) { return .cycle(cycle) }
        return .waits(enqueue(claim, wait, at: now, into: &out))
    }

    private func bound(for claim: LockClaim) -> LockBound? {
        if held.count + waiters.count >= limits.maxInAll { return .all(limits.maxInAll) }
        if let owner = owners[claim.ownerName],
            owner.acquires + owner.waiting.count >= limits.maxOfOwner
        {
            return .owner(limits.maxOfOwner)
        }
        if held.count < limits.maxHolders { return nil }
        for wish in claim.wishes {
            if let resource = resources[wish.name], resource.holderCount >= limits.maxHolders {
                return .holders(resource: wish.resource, limits.maxHolders)
            }
        }
        return nil
    }

    private func waitBound(for claim: LockClaim) -> LockBound? {
        for wish in claim.wishes {
            if let resource = resources[wish.name], resource.queue.count >= limits.maxWaiters {
                return .waiters(resource: wish.resource, limits.maxWaiters)
            }
        }
        return nil
    }

    /// Whether a claim that came before the waiter `before` can be served.
    func isFree(_ claim: LockClaim, before waiter: UInt64) -> Bool {
        let owner = claim.ownerName
        for wish in claim.wishes {
            guard let resource = resources[wish.name] else { continue }
            if resource.holder(against: wish.mode, owner) != nil { return false }
            if resource.holds[owner] != nil { continue }
            for entry in resource.queue {
                if entry.waiter >= waiter { break }
                if entry.owner != owner, entry.mode.excludes(wish.mode) { return false }
            }
        }
        return true
    }

    mutating func grant(
        _ claim: LockClaim, at now: EngineTime, in batch: BatchNumber, into out: inout Output
    ) -> UInt64 {
        lastSerial += 1
        let serial = lastSerial
        var tokens: [UInt64] = []
        for wish in claim.wishes {
            let known = resources[wish.name]?.holds[claim.ownerName]
            tokens.append(known?.token(for: wish.mode) ?? serial)
        }
        var acquire = LockAcquire(
            serial: serial, claim: claim, tokens: tokens, grantedMillis: now.wallMillis)
        acquire.changedIn = batch
        acquire.endsNanos = now.end(ofMillis: claim.leaseMillis)
        insert(acquire)
        for wish in claim.wishes { out.touched.append(wish.name) }
        return serial
    }

    private mutating func insert(_ acquire: LockAcquire) {
        let owner = acquire.claim.ownerName
        for (wish, token) in zip(acquire.claim.wishes, acquire.tokens) {
            resources[wish.name, default: Resource()].hold(
                acquire.serial, owner, wish.mode, token, acquire.changedIn)
        }
        owners[owner, default: Owner()].acquires += 1
        let timer = deadlines.insert(.lease(acquire.serial), key: acquire.endsNanos)
        held[acquire.serial] = Held(acquire: acquire, timer: timer)
    }

    private mutating func enqueue(
        _ claim: LockClaim, _ wait: LockWait, at now: EngineTime, into out: inout Output
    ) -> UInt64 {
        lastSerial += 1
        let number = lastSerial
        var waiter = Waiter(claim: claim, sinceMillis: now.wallMillis, untilMillis: 0)
        if case .until(let nanos) = wait {
            waiter.timer = deadlines.insert(.wait(number), key: nanos)
            waiter.untilMillis = now.wallMillis(atNanos: nanos)
        }
        waiters[number] = waiter
        owners[claim.ownerName, default: Owner()].waiting.append(number)
        for wish in claim.wishes {
            resources[wish.name, default: Resource()].queue.append(
                QueueEntry(waiter: number, owner: claim.ownerName, mode: wish.mode))
            out.touched.append(wish.name)
        }
        return number
    }

    // MARK: Ending

    /// Ends one acquire, and serves those that waited for it.
    public mutating func release(
        _ serial: UInt64, owner: String, at now: EngineTime, in batch: BatchNumber,
        into out: inout Output
    ) -> Answer {
        guard let acquire = held[serial]?.acquire else { return .notHeld }
        guard acquire.claim.ownerName == ExactName(owner) else { return .foreign }
        end(serial, .released, at: now, in: batch, into: &out)
        return .done
    }

    /// Takes a resource from its holders, with all that each acquired together with it.
    ///
    /// - Parameter only: `nil`: all holders.
    /// - Returns: how many acquires ended.
    public mutating func breakLock(
        _ resource: String, only: UInt64?, at now: EngineTime, in batch: BatchNumber,
        into out: inout Output
    ) -> Int {
        let all =
            resources[ExactName(resource)]?.holds.values.flatMap(\.acquires).map(\.serial) ?? []
        let broken = all.filter { only == nil || $0 == only }.sorted()
        for serial in broken { end(serial, .broken, at: now, in: batch, into: &out) }
        return broken.count
    }

    /// Begins a lease anew.
    ///
    /// - Parameter leaseMillis: its new length; `nil`: as it was.
    public mutating func renew(
        _ serial: UInt64, owner: String, leaseMillis: Int64?, at now: EngineTime
    ) -> Answer {
        guard let known = held[serial] else { return .notHeld }
        guard known.acquire.claim.ownerName == ExactName(owner) else { return .foreign }
        let lease = leaseMillis ?? known.acquire.leaseMillis
        let end = now.end(ofMillis: lease)
        held[serial]?.acquire.leaseMillis = lease
        held[serial]?.acquire.endsNanos = end
        deadlines.update(known.timer, key: end)
        return .done
    }

    /// When a waiter gives up, by the monotonic clock; `.max`: never.
    public func endNanos(of waiter: UInt64) -> Int64 {
        guard let timer = waiters[waiter]?.timer, timer >= 0 else { return .max }
        return deadlines.key(of: timer)
    }

    /// A waiter is asked for until a later instant; `.max`: for ever.
    public mutating func prolong(_ waiter: UInt64, untilNanos end: Int64, at now: EngineTime) {
        guard let timer = waiters[waiter]?.timer, timer >= 0 else { return }
        if end == .max {
            deadlines.remove(timer)
            waiters[waiter]?.timer = -1
            waiters[waiter]?.untilMillis = 0
        } else {
            deadlines.update(timer, key: end)
            waiters[waiter]?.untilMillis = now.wallMillis(atNanos: end)
        }
    }

    /// A waiter goes: nobody asks for it any more.
    public mutating func leave(
        _ waiter: UInt64, at now: EngineTime, in batch: BatchNumber, into out: inout Output
    ) {
        guard let claim = remove(waiter: waiter, into: &out) else { return }
        serve(claim.wishes.map(\.name), at: now, in: batch, into: &out)
    }

    /// Ends the lease or wait that is due first, if one is.
    public mutating func expireNext(
        at now: EngineTime, in batch: BatchNumber, into out: inout Output
    ) -> Bool {
        guard let due = deadlines.smallestKey, due <= now.monotonicNanos,
            let deadline = deadlines.first
        else { return false }
        switch deadline {
        case .lease(let serial): end(serial, .expired, at: now, in: batch, into: &out)
        case .wait(let waiter):
            if let claim = waiters[waiter]?.claim {
                out.timedOut.append((waiter, place(of: claim, before: waiter)))
            }
            leave(waiter, at: now, in: batch, into: &out)
        }
        return true
    }

    private mutating func end(
        _ serial: UInt64, _ end: LockEnd, at now: EngineTime, in batch: BatchNumber,
        into out: inout Output
    ) {
        guard let gone = held.removeValue(forKey: serial) else { return }
        deadlines.remove(gone.timer)
        let claim = gone.acquire.claim
        var awaited: [ExactName] = []
        for wish in claim.wishes {
            if !drop(wish, of: gone.acquire, batch) { awaited.append(wish.name) }
            out.touched.append(wish.name)
        }
        if let index = owners.index(forKey: claim.ownerName) {
            owners.values[index].acquires -= 1
            if owners.values[index].isForgotten { owners.remove(at: index) }
        }
        out.ended.append((gone.acquire, end))
        if awaited.isEmpty { return }
        serve(awaited, at: now, in: batch, into: &out)
        for name in awaited { forgetResource(name, batch) }
    }

    /// Takes one resource from an acquire.
    ///
    /// - Returns: whether nobody wants it any more, and so it is forgotten.
    private mutating func drop(
        _ wish: LockWish, of acquire: LockAcquire, _ batch: BatchNumber
    ) -> Bool {
        guard let index = resources.index(forKey: wish.name) else { return true }
        resources.values[index].drop(acquire.serial, acquire.claim.ownerName, wish.mode, batch)
        guard resources.values[index].isForgotten else { return false }
        freedIn = max(freedIn, resources.values[index].changedIn, batch)
        resources.remove(at: index)
        return true
    }

    mutating func remove(waiter number: UInt64, into out: inout Output) -> LockClaim? {
        guard let waiter = waiters.removeValue(forKey: number) else { return nil }
        if waiter.timer >= 0 { deadlines.remove(waiter.timer) }
        for wish in waiter.claim.wishes {
            resources[wish.name]?.queue.removeAll { $0.waiter == number }
            out.touched.append(wish.name)
            forgetResource(wish.name, .none)
        }
        owners[waiter.claim.ownerName]?.waiting.removeAll { $0 == number }
        forgetOwner(waiter.claim.ownerName)
        return waiter.claim
    }

    private mutating func forgetOwner(_ owner: ExactName) {
        if owners[owner]?.isForgotten == true { owners[owner] = nil }
    }

    private mutating func forgetResource(_ name: ExactName, _ batch: BatchNumber) {
        guard let resource = resources[name], resource.isForgotten else { return }
        freedIn = max(freedIn, resource.changedIn, batch)
        resources[name] = nil
    }

    // MARK: Looking

    /// Whether a resource is held under a token, and the newest batch that changed that.
    public func hold(
        _ resource: String, token: UInt64
    ) -> (isHeld: Bool, changedIn: BatchNumber) {
        guard let known = resources[ExactName(resource)] else { return (false, freedIn) }
        return (
            known.holds.values.contains { $0.acquires.contains { $0.token == token } },
            known.holds.isEmpty ? max(known.changedIn, freedIn) : known.changedIn
        )
    }

    /// What an owner has of the resources of an acquire, in their order; those it does not have any
    /// more are left out.
    public func holds(of claim: LockClaim) -> [LockHold] {
        claim.wishes.compactMap { wish in
            guard let hold = resources[wish.name]?.holds[claim.ownerName] else { return nil }
            return LockHold(
                resource: wish.resource, mode: hold.mode, token: hold.token,
                count: hold.acquires.count)
        }
    }

    /// Where a waiter stands.
    public func place(of waiter: UInt64) -> LockPlace? {
        waiters[waiter].map { place(of: $0.claim, before: waiter) }
    }

    /// Waiters for a resource, the next first.
    public func waiting(for resource: ExactName) -> [UInt64] {
        resources[resource]?.queue.map(\.waiter) ?? []
    }

    /// The newest batch that changed a resource.
    public func changedIn(_ resource: String) -> BatchNumber {
        resources[ExactName(resource)].map { max($0.changedIn, freedIn) } ?? freedIn
    }

    // MARK: Taking up

    /// An acquire that the store holds; its lease begins with ``beginLeases(at:)``.
    public mutating func restore(_ acquire: LockAcquire) { insert(acquire) }

    /// Gives every lease its full time from now on.
    public mutating func beginLeases(at now: EngineTime) {
        for serial in held.keys {
            guard let known = held[serial] else { continue }
            let end = now.end(ofMillis: known.acquire.leaseMillis)
            held[serial]?.acquire.endsNanos = end
            deadlines.update(known.timer, key: end)
        }
    }
}

extension EngineTime {
    /// The monotonic instant so many milliseconds from now.
    fileprivate func end(ofMillis millis: Int64) -> Int64 { monotonicNanos + millis * 1_000_000 }
}
