import Coordination
import Engine
import GRPC
import Messages
import Stubs

extension FieldFaults {
    /// Reads what somebody claims.
    mutating func claim(_ message: Messages.LockClaim?) -> Coordination.LockClaim? {
        guard let message else {
            check(false, "claim", "is required")
            return nil
        }
        let count = message.resources.count
        check(
            (1...64).contains(count), "claim.resources",
            "has \(count) entries; allowed are 1 to 64")
        var wishes: [LockWish] = []
        var seen: Set<ExactName> = []
        for (index, resource) in message.resources.prefix(64).enumerated() {
            if count == 1, let wish = LockWish(good: resource) {
                wishes.append(wish)
                continue
            }
            let path = "claim.resources[\(index)]"
            checkName(resource.name, "\(path).name")
            check(
                seen.insert(ExactName(resource.name)).inserted, "\(path).name",
                "is there already; claim each resource once")
            let mode = lockMode(resource.mode, "\(path).mode")
            wishes.append(LockWish(resource.name, mode))
        }
        checkName(message.owner, "claim.owner")
        checkLease(message.leaseMillis, "claim.lease_millis")
        check(message.purpose.utf8.count <= 1_024, "claim.purpose", "is over 1,024 bytes")
        return Coordination.LockClaim(
            wishes: wishes, owner: message.owner,
            leaseMillis: message.leaseMillis == 0 ? 30_000 : message.leaseMillis,
            purpose: message.purpose)
    }

    private mutating func lockMode(
        _ mode: Messages.LockMode, _ field: String
    ) -> Coordination.LockMode {
        switch mode {
        case .unspecified, .exclusive: return .exclusive
        case .shared: return .shared
        case .unrecognized(let number):
            check(false, field, "is \(number); set exclusive or shared")
            return .exclusive
        }
    }

    /// Notes a lease that is too short or too long; 0 is the default.
    mutating func checkLease(_ millis: Int64, _ field: String) {
        check(
            millis == 0 || (100...86_400_000).contains(millis), field,
            "is \(millis); allowed are 100 to 86,400,000 ms, and 0 for the default")
    }

    /// Notes a wait that is negative or over an hour.
    mutating func checkWait(_ millis: Int64) {
        check(
            (0...3_600_000).contains(millis), "wait_millis",
            "is \(millis); allowed are 0 to 3,600,000 ms")
    }

    /// Reads the name of an acquire; 0 after its fault was noted.
    mutating func acquire(_ text: String) -> UInt64 {
        let serial = LockName.serial(text)
        check(
            serial != nil, "acquire_id",
            "is not of an acquire; those are 16 hexadecimal digits (LockGrant)")
        return serial ?? 0
    }
}

extension Messages.LockMode {
    init(_ mode: Coordination.LockMode) {
        switch mode {
        case .exclusive: self = .exclusive
        case .shared: self = .shared
        }
    }
}

extension Messages.LockHold {
    init(_ hold: Coordination.LockHold) {
        self.init()
        resource = hold.resource
        mode = Messages.LockMode(hold.mode)
        fencingToken = hold.token
        count = Int32(clamping: hold.count)
    }
}

extension LockGrant {
    init(_ view: LockGrantView) {
        self.init()
        acquireID = LockName.text(view.acquire.serial)
        owner = view.acquire.claim.owner
        holds = view.holds.map { Messages.LockHold($0) }
        leaseMillis = view.acquire.leaseMillis
        expiresUnixMillis = view.expiresMillis
        grantedUnixMillis = view.acquire.grantedMillis
        purpose = view.acquire.claim.purpose
    }
}

extension Messages.Lock {
    init(_ view: LockView, expiresMillis: [Int64]) {
        self.init()
        resource = view.resource
        holderCount = Int32(clamping: view.holderCount)
        waiterCount = Int32(clamping: view.waiterCount)
        holders = zip(view.holders, expiresMillis).map { holder, expires in
            LockHolder(
                acquireID: LockName.text(holder.acquire.serial),
                owner: holder.acquire.claim.owner, mode: Messages.LockMode(holder.mode),
                fencingToken: holder.token, grantedUnixMillis: holder.acquire.grantedMillis,
                expiresUnixMillis: expires, purpose: holder.acquire.claim.purpose)
        }
        waiters = view.waiters.map { waiter in
            LockWaiter(
                owner: waiter.owner, mode: Messages.LockMode(waiter.mode),
                sinceUnixMillis: waiter.sinceMillis, untilUnixMillis: waiter.untilMillis,
                purpose: waiter.purpose)
        }
    }
}

extension LockWish {
    /// One that there is nothing to say against; `nil`: look at it closely.
    fileprivate init?(good resource: LockResource) {
        guard (1...256).contains(resource.name.utf8.count) else { return nil }
        switch resource.mode {
        case .unspecified, .exclusive: self.init(resource.name, .exclusive)
        case .shared: self.init(resource.name, .shared)
        case .unrecognized: return nil
        }
    }
}
