/// One number of a metric that is read when it is scraped.
public struct CollectedSample: Sendable, Hashable {
    /// The label values, in the order of the family's labels.
    public let labels: [String]
    /// The number.
    public let value: Double

    /// A sample; no labels for a family without labels.
    public init(labels: [String] = [], value: Double) {
        self.labels = labels
        self.value = value
    }
}

/// A family whose numbers stand somewhere else and are read at each scrape.
struct CollectedFamily: RenderedFamily {
    let description: MetricDescription
    let seriesLimit: Int
    let onRefusal: @Sendable (Int) -> Void
    let read: @Sendable () -> [CollectedSample]

    func render(into writer: inout ExpositionWriter) {
        var values: [[String]: Double] = [:]
        for sample in read() where sample.labels.count == description.labels.count {
            values[sample.labels] = sample.value
        }
        if values.isEmpty { return }
        writer.beginFamily(description)
        let sorted = values.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        for (labels, value) in sorted.prefix(seriesLimit) {
            writer.beginSeries(values: labels)
            writer.sample(description.kind == .counter ? "_total" : "", value)
        }
        if sorted.count > seriesLimit { onRefusal(sorted.count - seriesLimit) }
    }
}

/// Facts that do not change, as labels of a series that is always 1.
struct InfoFamily: RenderedFamily {
    let description: MetricDescription
    let values: [String]

    func render(into writer: inout ExpositionWriter) {
        writer.beginFamily(description)
        writer.beginSeries(values: values)
        writer.sample("_info", count: 1)
    }
}
