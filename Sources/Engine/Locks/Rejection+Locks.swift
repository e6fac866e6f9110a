import Coordination

/// The refusals of locks.
extension Rejection {
    static func lockBusy(_ place: LockPlace, _ claim: LockClaim?) -> Rejection {
        var rejection = Rejection(
            .conflict, reason: "LOCK_BUSY",
            "\"\(place.resource)\" is held or waited for by \"\(place.holder)\" and was not free in "
                + "time; try again, or wait longer (wait_millis)")
        rejection.details = [
            "resource": place.resource, "holder": place.holder, "position": "\(place.position)",
        ]
        return rejection
    }

    static func lockCycle(_ steps: [LockStep]) -> Rejection {
        let path =
            (steps.first.map { ["\"\($0.owner)\""] } ?? [])
            + steps.map { "for \"\($0.resource)\" of \"\($0.blocker)\"" }
        var rejection = Rejection(
            .precondition, reason: "LOCK_CYCLE",
            "this wait would never end: \(path.joined(separator: " waits ")); release what you hold, "
                + "and acquire all that you need in one call")
        rejection.details = [
            "cycle":
                (steps.prefix(1).map(\.owner)
                + steps.flatMap { [$0.resource, $0.blocker] }).joined(separator: " > ")
        ]
        return rejection
    }

    static func lockLost(_ serial: UInt64) -> Rejection {
        Rejection(
            .notFound, reason: "LOCK_LOST",
            "acquire \(LockName.text(serial)) is not held: it was released, its lease ended, or it "
                + "was broken; stop what relies on it and acquire anew")
    }

    static func foreignLock(_ serial: UInt64) -> Rejection {
        Rejection(
            .denied, reason: "FOREIGN_LOCK",
            "acquire \(LockName.text(serial)) is another owner's; only its owner renews or releases "
                + "it (an operator may use BreakLock)")
    }

    static func lockNotHeld(_ resource: String) -> Rejection {
        Rejection(
            .notFound, reason: "LOCK_NOT_HELD",
            "\"\(resource)\" is not held so in this namespace; GetLock says who holds it")
    }

    static func tooManyLocks(_ bound: LockBound) -> Rejection {
        let what =
            switch bound {
            case .holders(let resource, let limit): "\"\(resource)\" has \(limit) holders"
            case .waiters(let resource, let limit): "\"\(resource)\" has \(limit) waiters"
            case .owner(let limit): "this owner has \(limit) acquires and waits"
            case .all(let limit): "this namespace has \(limit) acquires and waits"
            }
        return Rejection(
            .overloaded, reason: "TOO_MANY_LOCKS", "\(what), the limit; try again later",
            retryAfterMillis: 1_000)
    }

    static func tooManyLockNamespaces(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_NAMESPACES",
            "\(limit) namespaces have locks, the limit of this server")
    }
}
