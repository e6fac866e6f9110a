/// A window's numbers, their trends, a health score, and what to do.
public struct CoordinationReport: Sendable, Hashable {
    /// Into how many steps the window is cut for the trends.
    static let steps: Int64 = 60

    /// The numbers.
    public let window: WindowMetrics
    /// By series, then agent type.
    public let trends: [MetricTrend]
    /// The score with its parts.
    public let health: HealthAssessment
    /// The most severe first.
    public let advice: [Advice]

    /// Reports on the window that ends with `end`.
    public init(_ history: MetricsHistory, ending end: MetricsSample, nanos: Int64) {
        var history = history
        history.record(end)
        window = history.window(ending: end, nanos: nanos)
        let step = max(MetricsHistory.fineNanos, window.nanos / Self.steps)
        trends = MetricTrend.all(
            in: history.windows(
                fromNanos: window.start.monotonicNanos, toNanos: end.nanos, step: step))
        health = HealthAssessment(window)
        advice = AdviceRules(window: window, trends: trends).all
    }
}
