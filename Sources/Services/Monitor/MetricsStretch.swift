import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// A stretch of the past that somebody asked for, on the monotonic clock.
struct MetricsStretch {
    private static let maxPoints: Int64 = 1_000
    private static let defaultMillis: Int64 = 3_600_000

    private let start: Int64
    private let end: Int64
    private let step: Int64
    private let totalsOnly: Bool

    /// - Throws: INVALID_ARGUMENT when it begins in the future or has too many steps.
    init(_ request: GetMetricsHistoryRequest, now: EngineTime) throws(GRPCStatus) {
        let endMillis =
            request.endUnixMillis == 0
            ? now.wallMillis : min(request.endUnixMillis, now.wallMillis)
        let startMillis =
            request.startUnixMillis == 0
            ? max(0, endMillis - Self.defaultMillis) : request.startUnixMillis
        var faults = FieldFaults()
        faults.check(
            startMillis < endMillis, "start_unix_millis",
            "is \(startMillis), which is not before now, \(now.wallMillis)")
        let length = max(1, endMillis - startMillis)
        let sixtieth = (length / 60 + 999) / 1_000 * 1_000
        let stepMillis = request.stepMillis == 0 ? max(1_000, sixtieth) : request.stepMillis
        faults.check(
            (length + stepMillis - 1) / stepMillis <= Self.maxPoints, "step_millis",
            "is \(stepMillis) and cuts \(length) ms into more than \(Self.maxPoints) steps; make it "
                + "longer, or ask for less at once")
        if let status = faults.status { throw status }
        start = Self.nanos(ofMillis: startMillis, now)
        end = Self.nanos(ofMillis: endMillis, now)
        step = stepMillis * 1_000_000
        totalsOnly = request.totalsOnly
    }

    /// The numbers of each step; `newest` is the sample of now.
    ///
    /// - Throws: OUT_OF_RANGE when all of it is older than what is kept.
    func response(
        _ history: MetricsHistory, _ newest: MetricsSample
    ) throws(GRPCStatus) -> GetMetricsHistoryResponse {
        let now = newest.reading.time
        let oldest = history.oldest.reading.time
        guard end > oldest.monotonicNanos else {
            throw Rejection(
                .outOfRange, reason: "METRICS_GONE",
                "the oldest numbers held begin at \(oldest.shownMillis(at: now)); the stretch ends "
                    + "before"
            ).status
        }
        var history = history
        history.record(newest)
        var response = GetMetricsHistoryResponse()
        response.oldestUnixMillis = oldest.shownMillis(at: now)
        response.points = history.windows(fromNanos: start, toNanos: end, step: step).map {
            window in
            var point = Messages.CoordinationMetrics(window, now: now)
            if totalsOnly {
                point.agentTypes = []
                point.services = []
            }
            return point
        }
        return response
    }

    /// The monotonic instant of a wall-clock one, as the clocks stand now. Far ones stay in range.
    private static func nanos(ofMillis millis: Int64, _ now: EngineTime) -> Int64 {
        let back = now.wallMillis - millis
        let (nanos, isTooFar) = back.multipliedReportingOverflow(by: 1_000_000)
        let (instant, isTooEarly) = now.monotonicNanos.subtractingReportingOverflow(nanos)
        return isTooFar || isTooEarly ? .min : instant
    }
}

extension EngineTime {
    /// The wall-clock instant of a past reading, as the clocks stand now: a clock that was set since
    /// then does not make the past jump.
    func shownMillis(at now: EngineTime) -> Int64 {
        now.wallMillis - (now.monotonicNanos - monotonicNanos) / 1_000_000
    }
}
