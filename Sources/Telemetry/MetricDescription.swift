/// The unit of a metric, part of its name: base units only, as Prometheus asks.
public struct MetricUnit: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The unit's word, such as `seconds`; empty for plain numbers.
    public let word: String

    /// A unit by its word, lower case letters and `_`.
    public init(stringLiteral word: String) { self.word = word }

    /// A plain number of things.
    public static let none: MetricUnit = ""
    /// Durations, never milliseconds.
    public static let seconds: MetricUnit = "seconds"
    /// Sizes, never kilobytes.
    public static let bytes: MetricUnit = "bytes"
    /// Shares of a whole, 0 ... 1, never percent.
    public static let ratio: MetricUnit = "ratio"
}

/// What kind of series a family has.
enum MetricKind: String, Sendable {
    case counter, gauge, histogram, info
}

/// Everything about a family except its numbers.
struct MetricDescription: Sendable, Hashable {
    let kind: MetricKind
    /// The family's name in OpenMetrics: with the unit, without `_total` or `_info`.
    let name: String
    let help: String
    let unit: MetricUnit
    let labels: [String]

    /// Completes the name: `_total` and `_info` are dropped here (samples get them back), and a
    /// unit that is missing at the end is added.
    init(kind: MetricKind, name: String, help: String, unit: MetricUnit, labels: [String]) {
        var base = name
        if kind == .counter, base.hasSuffix("_total") { base.removeLast("_total".count) }
        if kind == .info, base.hasSuffix("_info") { base.removeLast("_info".count) }
        if unit != .none, !base.hasSuffix("_" + unit.word) { base += "_" + unit.word }
        self.kind = kind
        self.name = base
        self.help = help
        self.unit = unit
        self.labels = labels
    }

    /// Whether both describe the same series, so that they can share a family; help may differ.
    func isSameFamily(as other: MetricDescription) -> Bool {
        kind == other.kind && name == other.name && unit == other.unit && labels == other.labels
    }

    /// What is wrong with the name or the labels, if anything. Checked where families are made,
    /// since names are part of the program and a scraper refuses the whole page over one.
    var problem: String? {
        if !isIdentifier(name) { return "metric name \"\(name)\" is not [a-zA-Z_][a-zA-Z0-9_]*" }
        if kind != .counter && name.hasSuffix("_total") {
            return "metric name \"\(name)\": only counters end in _total"
        }
        if help.isEmpty { return "metric \"\(name)\" needs a help text" }
        if Set(labels).count != labels.count { return "metric \"\(name)\" repeats a label" }
        for label in labels
        where !isIdentifier(label) || label.hasPrefix("__") || label == "le" {
            return "metric \"\(name)\": label name \"\(label)\" is not allowed"
        }
        return nil
    }
}

/// The form of metric and label names; colons are left to recording rules.
private func isIdentifier(_ name: String) -> Bool {
    guard let first = name.utf8.first, !isDigit(first) else { return false }
    return name.utf8.allSatisfy(isIdentifierByte)
}

/// Whether a byte may stand in a metric or label name (past the first place).
func isIdentifierByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "_"):
        true
    default: isDigit(byte)
    }
}

private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
