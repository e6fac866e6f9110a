/// The text forms a scraper can ask for.
public enum MetricsFormat: Sendable, Hashable, CaseIterable {
    /// Prometheus text exposition format 0.0.4.
    case prometheusText
    /// OpenMetrics 1.0.
    case openMetrics

    /// The value of the `Content-Type` header.
    public var contentType: String {
        switch self {
        case .prometheusText: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The format a scraper prefers by its `Accept` header (RFC 9110 section 12.5.1): OpenMetrics
    /// when it is named with a weight above zero and not below that of `text/plain`; Prometheus
    /// text in every other case, also without a header.
    public init(accept header: String?) {
        var weights: [MetricsFormat: Double] = [:]
        for range in (header ?? "").split(separator: ",") {
            let parts = range.split(separator: ";").map(trimmed)
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { $0.dropFirst(2) }
            guard let format = MetricsFormat(mediaType: parts.first?.lowercased()) else { continue }
            weights[format] = max(weights[format] ?? 0, weight.flatMap { Double($0) } ?? 1)
        }
        let open = weights[.openMetrics] ?? 0
        self = open > 0 && open >= weights[.prometheusText] ?? 0 ? .openMetrics : .prometheusText
    }

    private init?(mediaType: String?) {
        switch mediaType {
        case "application/openmetrics-text": self = .openMetrics
        case "text/plain": self = .prometheusText
        default: return nil
        }
    }
}

private func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " || $0 == "\t" }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
}
