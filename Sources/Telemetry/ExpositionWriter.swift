/// Writes families in one of the two text forms.
///
/// Sources: Prometheus "Exposition formats" (text format 0.0.4) and OpenMetrics 1.0, whose rules
/// differ in the name of a counter's family, in units, escapes, creation times and the end mark.
public struct ExpositionWriter: Sendable {
    let format: MetricsFormat
    let writesCreationTimes: Bool
    private(set) var bytes: [UInt8] = []
    /// The family being written; its name starts every line.
    private var name = ""
    private var labels: [String] = []

    init(format: MetricsFormat, writesCreationTimes: Bool) {
        self.format = format
        self.writesCreationTimes = writesCreationTimes
    }

    /// The text with its end mark.
    consuming func finish() -> [UInt8] {
        if format == .openMetrics { append("# EOF\n") }
        return bytes
    }

    mutating func beginFamily(_ description: MetricDescription) {
        name = description.name
        labels = description.labels
        let isOpen = format == .openMetrics
        let shownName = isOpen ? name : name + description.textSuffix
        let type = !isOpen && description.kind == .info ? "gauge" : description.kind.rawValue
        append("# HELP \(shownName) \(escaped(description.help, quotes: isOpen))\n")
        append("# TYPE \(shownName) \(type)\n")
        if isOpen && description.unit != .none {
            append("# UNIT \(shownName) \(description.unit.word)\n")
        }
    }

    mutating func sample(_ suffix: String, _ values: [String], _ value: Double) {
        sample(suffix, values, text: number(value))
    }

    mutating func sample(_ suffix: String, _ values: [String], text: String) {
        append("\(name)\(suffix)\(labelSet(values)) \(text)\n")
    }

    mutating func bucket(_ values: [String], upperBound: Double, count: UInt64) {
        let bound = "le=\"\(boundText(upperBound))\""
        append("\(name)_bucket\(labelSet(values, and: bound)) \(count)\n")
    }

    /// When the series began, for scrapers that want to see restarts; OpenMetrics only.
    mutating func created(_ values: [String], atMillis millis: Int64) {
        guard format == .openMetrics && writesCreationTimes else { return }
        sample("_created", values, Double(millis) / 1000)
    }

    // MARK: Parts of a line

    private func labelSet(_ values: [String], and last: String? = nil) -> String {
        var pairs = zip(labels, values).map { "\($0)=\"\(escaped($1, quotes: true))\"" }
        if let last { pairs.append(last) }
        return pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
    }

    private func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.description
    }

    /// OpenMetrics wants bounds as floats (`1.0`), Prometheus text writes them as Go does (`1`).
    private func boundText(_ bound: Double) -> String {
        let text = number(bound)
        return format == .prometheusText && text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }
}

extension MetricDescription {
    /// What Prometheus text has in the family's name and OpenMetrics in its samples only.
    fileprivate var textSuffix: String {
        switch kind {
        case .counter: "_total"
        case .info: "_info"
        case .gauge, .histogram: ""
        }
    }
}
