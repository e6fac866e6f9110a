import Coordination
import Synchronization
import Threads

/// A breaker at hand for an author of agents: asked and told without a round trip.
///
/// The engine owns the breaker; this is a copy that it refreshes. While the breaker is closed a
/// permit is a load of one word, and reports gather here and leave in batches. While it is open calls
/// are refused here. Only the few probes of a half-open one are asked of the engine. Any thread
/// may call.
///
///     let book = try await context.breaker("exchange").run { try await market.book(symbol) }
public final class BreakerHandle: Sendable {
    /// A call was refused.
    public struct Refused: Error, Sendable, Hashable, CustomStringConvertible {
        /// The breaker's name.
        public let breaker: String
        /// Why, and when asking again may help.
        public let refusal: BreakerRefusal

        public var description: String {
            let again = refusal.retryAfterMillis.map { "; try again in \($0) ms" } ?? ""
            return "breaker \"\(breaker)\" lets no call through\(again)"
        }
    }

    /// Reports that gather before they leave, over all stripes about eight times as many.
    static let batchSize = 64
    /// Locks that callers are spread over, so that cores do not wait for each other.
    private static let stripeCount = 8

    /// The breaker's name.
    public let name: String
    private let link: any BreakerLink
    /// Generation in the upper half, state in the lower: read together.
    private let word: Atomic<UInt64>
    private let untilNanos = Atomic<Int64>(.max)
    private let stripes: [Locked<[CallReport]>]
    private let following = Atomic<UInt64>(0)
    /// The number of the newest sight.
    private let newest = Locked<UInt64>(0)

    /// No breaker of the name is there (yet): everything passes, nothing is reported.
    private static let absent: UInt64 = 0xff

    /// A copy of the breaker `name` behind `link`. Until the first refresh every call passes.
    public init(_ name: String, link: any BreakerLink) {
        self.name = name
        self.link = link
        word = Atomic(Self.absent)
        stripes = (0..<Self.stripeCount).map { _ in
            var reports: [CallReport] = []
            reports.reserveCapacity(Self.batchSize)
            return Locked(reports)
        }
        let number = link.follow(name) { [weak self] in self?.refresh($0, $1) }
        following.store(number, ordering: .relaxed)
    }

    deinit {
        flush()
        link.unfollow(name, following.load(ordering: .relaxed))
    }

    /// The breaker's state as last heard; `nil`: there is no such breaker.
    public var state: BreakerState? {
        BreakerState(rawValue: UInt8(truncatingIfNeeded: word.load(ordering: .acquiring)))
    }

    /// Asks for leave without waiting for anything.
    ///
    /// - Returns: `nil` when only the engine can tell; ``run(_:)`` asks it then.
    public func permit(atNanos now: Int64) -> PermitDecision? {
        let word = word.load(ordering: .acquiring)
        if UInt8(truncatingIfNeeded: word) == BreakerState.closed.rawValue {
            return .granted(BreakerPermit(rawValue: word & ~0xffff_ffff))
        }
        return permitSlowly(word, now)
    }

    /// Throws ``Refused`` while every call is refused, and takes no leave: for an author whose call has
    /// to wait for something else first, such as its turn. ``run(_:)`` decides then.
    public func refuseWhileOpen() throws(Refused) {
        if case .refused(let refusal) = permit(atNanos: SystemClock.monotonicNanos()) {
            throw Refused(breaker: name, refusal: refusal)
        }
    }

    /// Says how a permitted call went.
    public func report(_ permit: BreakerPermit, _ verdict: CallVerdict, durationNanos: Int64) {
        if permit.rawValue == 0 { return }
        let report = CallReport(permit: permit, verdict: verdict, durationNanos: durationNanos)
        // The lowest bits of a duration are as good as random.
        let stripe = Int(truncatingIfNeeded: durationNanos) & (Self.stripeCount - 1)
        let full = stripes[stripe].withLock { reports -> [CallReport]? in
            reports.append(report)
            guard reports.count >= Self.batchSize else { return nil }
            let full = reports
            reports.removeAll(keepingCapacity: false)
            reports.reserveCapacity(Self.batchSize)
            return full
        }
        if let full { link.report(name, full) }
        // With all that went before: a failure alone would weigh too much.
        if Self.isUrgent(report) { flush() }
    }

    /// Sends what has gathered. A ``BreakerShelf`` does so once a second.
    public func flush() {
        for stripe in stripes {
            let reports = stripe.withLock { reports -> [CallReport] in
                let all = reports
                reports.removeAll(keepingCapacity: true)
                return all
            }
            if !reports.isEmpty { link.report(name, reports) }
        }
    }

    /// Makes a call if the breaker lets it through, and reports how it went.
    ///
    /// A `CancellationError`, and a ``StepFailure`` that is not retryable, say nothing about what
    /// was called.
    ///
    /// - Throws: ``Refused`` when it does not; else what the call throws.
    public func run<Value: Sendable>(
        _ call: @Sendable () async throws -> Value
    ) async throws -> Value {
        let began = SystemClock.monotonicNanos()
        var decision = permit(atNanos: began)
        if decision == nil { decision = await ask() }
        switch decision {
        case .refused(let refusal): throw Refused(breaker: name, refusal: refusal)
        case .granted(let permit): return try await make(call, under: permit, began)
        case nil: return try await call()
        }
    }

    private func make<Value: Sendable>(
        _ call: @Sendable () async throws -> Value, under permit: BreakerPermit, _ began: Int64
    ) async throws -> Value {
        do {
            let value = try await call()
            report(permit, .success, durationNanos: SystemClock.monotonicNanos() - began)
            return value
        } catch {
            report(
                permit, Self.verdict(on: error),
                durationNanos: SystemClock.monotonicNanos() - began)
            throw error
        }
    }

    private static func verdict(on error: any Error) -> CallVerdict {
        if error is CancellationError { return .excluded }
        if let failure = error as? StepFailure, !failure.retryable { return .excluded }
        return .failure
    }

    /// Failures and probes leave at once: the breaker must hear of them in time.
    private static func isUrgent(_ report: CallReport) -> Bool {
        report.verdict == .failure || report.permit.isProbe
    }

    private func ask() async -> PermitDecision? {
        await withCheckedContinuation { continuation in
            link.permit(name) { continuation.resume(returning: $0) }
        }
    }

    private func permitSlowly(_ word: UInt64, _ now: Int64) -> PermitDecision? {
        guard let state = BreakerState(rawValue: UInt8(truncatingIfNeeded: word)) else {
            return .granted(BreakerPermit(rawValue: 0))
        }
        let until = untilNanos.load(ordering: .relaxed)
        switch state {
        case .closed, .disabled, .metricsOnly:
            return .granted(BreakerPermit(rawValue: word & ~0xffff_ffff))
        case .open, .forcedOpen:
            if until <= now { return nil }
            let wait = until == .max ? nil : until - now
            return .refused(BreakerRefusal(state: state, retryAfterNanos: wait))
        case .halfOpen: return nil
        }
    }

    private func refresh(_ sight: BreakerSight?, _ number: UInt64) {
        newest.withLock { newest in
            if number < newest { return }
            newest = number
            take(sight)
        }
    }

    private func take(_ sight: BreakerSight?) {
        guard let sight else { return word.store(Self.absent, ordering: .releasing) }
        untilNanos.store(sight.untilNanos, ordering: .relaxed)
        word.store(
            UInt64(sight.generation) << 32 | UInt64(sight.state.rawValue), ordering: .releasing)
    }
}
