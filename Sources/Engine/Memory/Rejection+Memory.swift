import Coordination

/// The refusals of shared memory.
extension Rejection {
    static func revisionMismatch(
        _ key: MemoryKey, _ expected: Int64, _ actual: Int64
    ) -> Rejection {
        let state = actual == 0 ? "does not exist" : "is at revision \(actual)"
        var rejection = Rejection(
            .conflict, reason: "REVISION_MISMATCH",
            "key \"\(key)\" \(state), not at the expected \(expected); read it and decide anew")
        rejection.details = ["key": key.text, "expected": "\(expected)", "actual": "\(actual)"]
        return rejection
    }

    static func staleFence(_ fence: LockFence) -> Rejection {
        var rejection = Rejection(
            .precondition, reason: "STALE_FENCING_TOKEN",
            "lock \"\(fence.resource)\" is not held under token \(fence.token); acquire it again and "
                + "decide anew: somebody else may have had it")
        rejection.details = ["resource": fence.resource, "fencing_token": "\(fence.token)"]
        return rejection
    }

    static func memoryFull(_ bound: MemorySpace.Bound) -> Rejection {
        let what =
            switch bound {
            case .keys(let limit): "\(limit) keys"
            case .bytes(let limit): "\(limit >> 20) MiB"
            }
        return Rejection(
            .overloaded, reason: "MEMORY_FULL",
            "shared memory holds \(what), the limit; delete entries, or put them with a TTL",
            retryAfterMillis: 10_000)
    }

    static func tooManyMemoryNamespaces(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_NAMESPACES",
            "\(limit) namespaces have or had shared memory, the limit of this server")
    }

    static func futureRevision(_ from: Int64, _ newest: Int64) -> Rejection {
        var rejection = Rejection(
            .outOfRange, reason: "FUTURE_REVISION",
            "revision \(from) was never given: the newest is \(newest); was this store restored "
                + "from a backup? List, then watch from the revision after the one it was read at")
        rejection.details = ["newest_revision": "\(newest)"]
        return rejection
    }

    /// A watch wants changes that are not kept any more.
    public static func compacted(_ from: Int64, oldest: Int64) -> Rejection {
        var rejection = Rejection(
            .outOfRange, reason: "COMPACTED",
            "changes from revision \(from) on are not kept any more, the oldest is \(oldest); List, "
                + "then watch from the revision after the one it was read at")
        rejection.details = ["oldest_revision": "\(oldest)"]
        return rejection
    }
}
