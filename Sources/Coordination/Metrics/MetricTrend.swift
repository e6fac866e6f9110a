/// Where a number is heading.
public struct MetricTrend: Sendable, Hashable {
    /// Which number.
    public let series: TrackedSeries
    /// Of which agent type; empty: of the whole server.
    public let agentType: String
    /// The line through its points; time in hours.
    public let line: TheilSen

    /// Where a line leads.
    public enum Direction: Sendable, Hashable { case unknown, steady, rising, falling }

    /// Rising and falling need a confidence of 95 %, unknown is what has too few points.
    public var direction: Direction {
        guard let confidence = line.confidence else { return .unknown }
        if confidence < 0.95 || line.slope == 0 { return .steady }
        return line.slope > 0 ? .rising : .falling
    }

    /// Every series that was measured at least once in these windows: by series, then type.
    static func all(in windows: [WindowMetrics]) -> [MetricTrend] {
        guard let first = windows.first else { return [] }
        let origin = first.start.monotonicNanos
        // A type that is gone has no trend.
        let names = windows[windows.count - 1].types.map(\.reading.name)
        let byName = windows.map { window in
            Dictionary(
                window.types.map { ($0.reading.name, $0) }, uniquingKeysWith: { first, _ in first })
        }
        func trend(
            _ series: TrackedSeries, _ type: String, _ value: (Int) -> Double?
        ) -> MetricTrend? {
            let line = windows.indices.compactMap { index -> (time: Double, value: Double)? in
                guard let value = value(index) else { return nil }
                let middle =
                    Double(windows[index].end.monotonicNanos - origin)
                    - Double(windows[index].nanos) / 2
                return (middle / 3.6e12, value)
            }
            if line.isEmpty { return nil }
            return MetricTrend(series: series, agentType: type, line: TheilSen(line))
        }
        return TrackedSeries.allCases.flatMap { series -> [MetricTrend] in
            guard series.isPerType else {
                return [trend(series, "") { series.value(in: windows[$0]) }].compactMap(\.self)
            }
            return names.compactMap { name in
                trend(series, name) { byName[$0][name].flatMap(series.value(in:)) }
            }
        }
    }
}
