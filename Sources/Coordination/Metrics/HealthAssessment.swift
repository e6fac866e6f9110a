/// How healthy coordination is, as one number from 0 to 100.
///
/// score = 100 x sum(weight x part) / sum(weight), over the parts that were measured; each part is
/// cut off at 0 and 1. The parts and their weights are published with MonitorService.
public struct HealthAssessment: Sendable, Hashable {
    /// One part of the score.
    public struct Part: Sendable, Hashable {
        /// Its name in the formula.
        public let name: String
        /// What it weighs against the others.
        public let weight: Double
        /// 0 (bad) to 1 (good); `nil`: nothing to measure it by.
        public let score: MeasuredShare?
        /// What it was made of.
        public let basis: String
    }

    /// All of them, measured or not.
    public let parts: [Part]

    /// Judges a window.
    public init(_ window: WindowMetrics) {
        parts = [
            Self.runs(window), Self.work(window), Self.agents(window), Self.mode(window),
            Self.calls(window), Self.waiting(window), Self.overhead(window),
        ]
    }

    /// 0 to 100.
    public var score: Double {
        let sum = parts.reduce(0) { $0 + $1.weight * ($1.score?.value ?? 0) }
        return measuredWeight > 0 ? 100 * sum / measuredWeight : 0
    }

    /// The share of all weight that was measured.
    public var coverage: Double { measuredWeight / parts.reduce(0) { $0 + $1.weight } }

    private var measuredWeight: Double {
        parts.reduce(0) { $0 + ($1.score == nil ? 0 : $1.weight) }
    }

    /// The formula with its numbers put in.
    public var formula: String {
        let measured = parts.filter { $0.score != nil }
        let terms = measured.map {
            "\(Self.short($0.weight)) x \(Self.short($0.score?.value ?? 0)) (\($0.name))"
        }
        return "100 x (" + terms.joined(separator: " + ") + ") / "
            + "\(Self.short(measuredWeight)) = \(Self.short(score))"
    }

    // MARK: Parts

    private static func runs(_ window: WindowMetrics) -> Part {
        let runs = window.difference.runs
        return Part(
            name: "runs", weight: 30, score: window.runSuccess,
            basis: "\(runs.completed) of \(runs.judged) runs that ended by themselves completed")
    }

    private static func work(_ window: WindowMetrics) -> Part {
        let work = window.work
        return Part(
            name: "work", weight: 20, score: window.workFailures.map { inverse($0) },
            basis: "\(work.failed) of \(work.finished) finished assignments failed")
    }

    private static func agents(_ window: WindowMetrics) -> Part {
        let share = MeasuredShare(Int64(window.heldInstances), of: Int64(window.instances))
        return Part(
            name: "agents", weight: 15, score: share.map { inverse($0) },
            basis: "\(window.heldInstances) of \(window.instances) instances get no new work")
    }

    private static func mode(_ window: WindowMetrics) -> Part {
        let difference = window.difference
        let value: Double =
            switch difference.worstMode {
            case .normal: 1
            case .degraded: 0.5
            case .emergency: 0
            }
        return Part(
            name: "mode", weight: 15, score: MeasuredShare(value: value, observations: 1),
            basis: "\(difference.emergencies) namespaces in emergency, "
                + "\(difference.degraded) degraded")
    }

    private static func calls(_ window: WindowMetrics) -> Part {
        let failed = window.calls.reduce(0) { $0 + $1.failed }
        let ended = window.calls.reduce(0) { $0 + $1.ended }
        return Part(
            name: "calls", weight: 10, score: window.callFailures.map { inverse($0) },
            basis: "\(failed) of \(ended) calls failed on the server's side")
    }

    private static func waiting(_ window: WindowMetrics) -> Part {
        let work = window.work
        let whole = work.queueNanos + work.executionNanos + work.overheadNanos
        var share: MeasuredShare?
        if work.finished > 0 {
            let value = whole > 0 ? 1 - Double(work.queueNanos) / Double(whole) : 1
            share = MeasuredShare(value: cut(value), observations: work.finished)
        }
        return Part(
            name: "waiting", weight: 5, score: share,
            basis: "assignments waited \(seconds(work.queueNanos, work.finished)) s for a slot "
                + "and took \(seconds(whole - work.queueNanos, work.finished)) s then")
    }

    private static func overhead(_ window: WindowMetrics) -> Part {
        let tally = window.difference.overhead
        let score = tally.meanSeconds.map { mean in
            MeasuredShare(
                value: cut(1 - (mean - bearableSeconds) / (worstSeconds - bearableSeconds)),
                observations: tally.count)
        }
        return Part(
            name: "overhead", weight: 5, score: score,
            basis: "the server added \(seconds(tally.sumNanos, tally.count)) s to an assignment")
    }

    /// A mean overhead up to here costs nothing; from there on all.
    private static let bearableSeconds = 0.01
    private static let worstSeconds = 1.0

    private static func inverse(_ share: MeasuredShare) -> MeasuredShare {
        MeasuredShare(value: cut(1 - share.value), observations: share.observations)
    }

    private static func cut(_ value: Double) -> Double { min(max(value, 0), 1) }

    private static func seconds(_ nanos: Int64, _ count: Int64) -> String {
        count > 0 ? short(Double(nanos) / Double(count) / 1e9) : "no"
    }

    /// At most three digits behind the point.
    static func short(_ value: Double) -> String {
        let rounded = (value * 1_000).rounded() / 1_000
        let text = rounded.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
