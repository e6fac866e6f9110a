import Coordination
import Store

/// What operators ask of the store behind an engine.
extension EngineHost {
    /// Sizes, the latest backup, what was pruned.
    public var storeFacts: StoreFacts { store.facts }

    /// Makes a checked copy of everything committed; see ``Store/backUp(completion:)``.
    public func backUp(
        completion: @escaping @Sendable (Result<any StoreCopy, Rejection>) -> Void
    ) {
        store.backUp { completion($0.mapError { .maintenance($0) }) }
    }

    /// Looks through everything stored; see ``Store/verify(completion:)``.
    public func verifyStore(
        completion: @escaping @Sendable (Result<StoreVerdict, Rejection>) -> Void
    ) {
        store.verify { completion($0.mapError { .maintenance($0) }) }
    }
}

extension Rejection {
    /// Why a backup or a check was not made.
    public static func maintenance(_ error: StoreError) -> Rejection {
        switch error.code {
        case .unsupported: Rejection(.precondition, reason: "STORE_IN_MEMORY", error.message)
        case .full: Rejection(.overloaded, reason: "DISK_FULL", error.message)
        case .overloaded:
            Rejection(
                .overloaded, reason: "STORE_BUSY", error.message, retryAfterMillis: 10_000)
        case .corrupt: Rejection(.precondition, reason: "STORE_DAMAGED", error.message)
        case .locked, .newerVersion, .notWritable, .unavailable, .failed:
            Rejection(.unavailable, reason: "STORE_FAILED", error.message)
        }
    }
}
