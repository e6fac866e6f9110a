import Coordination
import Store
import Threads

/// Removes runs that ended longer ago than they are kept, with their history and payloads.
///
/// A task beside the engine, never on the commit path: small transactions with pauses of four
/// times their own length, so that commits lose a fifth of the store thread at most. Open runs and
/// those within the retention are never touched; the engine holds neither of the rest.
public struct RetentionPruner: Sendable {
    /// What one pass did, for the log and a counter.
    public struct Report: Sendable, Hashable {
        /// Runs removed.
        public var runs = 0
        /// Why the pass ended early; `nil`: it came to its end. The next pass goes on.
        public var failure: String?
    }

    private let store: any Store
    private let retentionMillis: Int64
    private let onPass: @Sendable (Report) -> Void

    /// How long to wait between two passes.
    private static let pauseSeconds = 60
    /// How long the wall clock must have been far ahead before runs are removed by it.
    private static let trustNanos: Int64 = 3_600_000_000_000

    /// - Parameters:
    ///   - retentionMillis: how long closed runs are kept after their end, at least 1.
    ///   - onPass: told of every pass that removed something or failed.
    public init(
        store: any Store, retentionMillis: Int64, onPass: @escaping @Sendable (Report) -> Void
    ) {
        precondition(retentionMillis >= 1, "runs are kept for some time")
        self.store = store
        self.retentionMillis = retentionMillis
        self.onPass = onPass
    }

    /// Makes passes until the task is cancelled.
    public func run() async {
        var clock = SteadyClock(trustNanos: Self.trustNanos)
        while !Task.isCancelled {
            clock.advance(
                to: EngineTime(
                    monotonicNanos: SystemClock.monotonicNanos(),
                    wallMillis: SystemClock.wallMillis()))
            let report = await pass(nowMillis: clock.now.wallMillis)
            if report.runs > 0 || report.failure != nil { onPass(report) }
            try? await Task.sleep(for: .seconds(Self.pauseSeconds))
        }
    }

    /// Removes all that is due at a moment, in milliseconds since 1970.
    func pass(nowMillis: Int64) async -> Report {
        var report = Report()
        let due = nowMillis - retentionMillis
        while !Task.isCancelled {
            let began = SystemClock.monotonicNanos()
            switch await piece(closedBeforeMillis: due) {
            case .failure(let error):
                report.failure = error.message
                return report
            case .success(let piece):
                report.runs += piece.runs
                guard piece.hasMore else { return report }
                let took = SystemClock.monotonicNanos() - began
                try? await Task.sleep(for: .nanoseconds(4 * took))
            }
        }
        return report
    }

    private func piece(closedBeforeMillis due: Int64) async -> Result<PrunedPiece, StoreError> {
        await withCheckedContinuation { continuation in
            store.prune(.only, closedBeforeMillis: due) { continuation.resume(returning: $0) }
        }
    }
}
