/// Writes families in one of the two text forms.
///
/// Sources: Prometheus "Exposition formats" (text format 0.0.4) and OpenMetrics 1.0, whose rules
/// differ in the name of a counter's family, in units, escapes, creation times and the end mark.
///
/// A page is mostly the same words again and again: the family's name, a series' labels, a
/// histogram's bounds. Each is made into bytes once and appended from then on.
public struct ExpositionWriter: Sendable {
    let format: MetricsFormat
    let writesCreationTimes: Bool
    private(set) var bytes: [UInt8] = []
    /// The family being written; its name starts every line.
    private var name: [UInt8] = []
    private var labels: [String] = []
    /// The series being written: its labels as ``labelText(_:_:)`` gives them.
    private var series: [UInt8] = []
    /// The bounds of the last histogram, and `le="..."` for each, the infinite one included.
    private var bounds: [Double] = []
    private var boundTexts: [[UInt8]] = []

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
        name = Array(description.name.utf8)
        labels = description.labels
        series = []
        let isOpen = format == .openMetrics
        let shownName = isOpen ? description.name : description.name + description.textSuffix
        let type = !isOpen && description.kind == .info ? "gauge" : description.kind.rawValue
        append("# HELP \(shownName) \(Self.escaped(description.help, quotes: isOpen))\n")
        append("# TYPE \(shownName) \(type)\n")
        if isOpen && description.unit != .none {
            append("# UNIT \(shownName) \(description.unit.word)\n")
        }
    }

    // MARK: Samples

    /// The samples that follow are of the series with these labels, as ``labelText(_:_:)`` made them.
    mutating func beginSeries(_ labelText: [UInt8]) { series = labelText }

    /// The samples that follow are of the series with these label values.
    mutating func beginSeries(values: [String]) { series = Self.labelText(labels, values) }

    mutating func sample(_ suffix: String, _ value: Double) {
        beginLine(suffix)
        endLine(value)
    }

    mutating func sample(_ suffix: String, count: UInt64) {
        beginLine(suffix)
        endLine(count)
    }

    /// The samples of a histogram's ranges, cumulated; gives the last one.
    mutating func buckets(_ upperBounds: [Double], _ counts: [UInt64]) -> UInt64 {
        if bounds != upperBounds || boundTexts.isEmpty {
            bounds = upperBounds
            boundTexts = (upperBounds + [.infinity]).map { Array("le=\"\(boundText($0))\"".utf8) }
        }
        var running: UInt64 = 0
        for (bound, count) in zip(boundTexts, counts) {
            running &+= count
            append(name)
            append("_bucket{")
            append(series)
            if !series.isEmpty { bytes.append(UInt8(ascii: ",")) }
            append(bound)
            append("} ")
            endLine(running)
        }
        return running
    }

    /// When the series began, for scrapers that want to see restarts; OpenMetrics only.
    mutating func created(atMillis millis: Int64) {
        guard format == .openMetrics && writesCreationTimes else { return }
        sample("_created", Double(millis) / 1000)
    }

    private mutating func beginLine(_ suffix: String) {
        append(name)
        append(suffix)
        if !series.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            append(series)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
    }

    private mutating func endLine(_ value: Double) {
        // Most numbers are whole, and their digits are found quicker.
        if value == value.rounded(.towardZero), abs(value) < 1e15, value.sign == .plus {
            appendDigits(UInt64(value))
            append(".0\n")
        } else {
            append(number(value))
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    private mutating func endLine(_ count: UInt64) {
        appendDigits(count)
        bytes.append(UInt8(ascii: "\n"))
    }

    // MARK: Parts of a line

    /// The labels of a series as they stand between braces; the same in both forms.
    static func labelText(_ labels: [String], _ values: [String]) -> [UInt8] {
        var text: [UInt8] = []
        for (label, value) in zip(labels, values) {
            if !text.isEmpty { text.append(UInt8(ascii: ",")) }
            text.append(contentsOf: label.utf8)
            text.append(contentsOf: "=\"".utf8)
            text.append(contentsOf: escaped(value, quotes: true).utf8)
            text.append(UInt8(ascii: "\""))
        }
        return text
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

    private static func escaped(_ text: String, quotes: Bool) -> String {
        if !text.utf8.contains(where: { $0 == 0x5c || $0 == 0x0a || $0 == 0x22 }) { return text }
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

    private mutating func append(_ text: [UInt8]) {
        bytes.append(contentsOf: text)
    }

    private mutating func appendDigits(_ number: UInt64) {
        let start = bytes.count
        var rest = number
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes.append(UInt8(ascii: "0") + UInt8(digit))
            rest = quotient
        } while rest > 0
        var (low, high) = (start, bytes.count - 1)
        while low < high {
            bytes.swapAt(low, high)
            low += 1
            high -= 1
        }
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
