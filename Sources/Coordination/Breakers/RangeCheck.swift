/// Gathers every number of a request that is out of its range, each named.
public struct RangeCheck: Sendable {
    /// What was found so far.
    public private(set) var faults: [FieldFault] = []

    /// Nothing found.
    public init() {}

    /// Notes a fault that is not a matter of ranges.
    public mutating func fault(_ field: String, _ description: String) {
        faults.append(FieldFault(field: field, description: description))
    }

    /// A whole number in its range.
    public mutating func range(_ field: String, _ value: Int, _ allowed: ClosedRange<Int>) {
        if allowed.contains(value) { return }
        fault(field, "is \(value); allowed are \(allowed.lowerBound) to \(allowed.upperBound)")
    }

    /// Milliseconds in their range.
    public mutating func millis(_ field: String, _ value: Int64, _ allowed: ClosedRange<Int64>) {
        if allowed.contains(value) { return }
        fault(
            field,
            "is \(value) ms; allowed are \(allowed.lowerBound) ms to \(allowed.upperBound) ms")
    }

    /// A number in its range; not-a-number never is.
    public mutating func number(_ field: String, _ value: Double, _ allowed: ClosedRange<Double>) {
        if allowed.contains(value) { return }
        fault(field, "is \(value); allowed are \(allowed.lowerBound) to \(allowed.upperBound)")
    }

    /// A share over 0 and up to 1, or none.
    public mutating func share(_ field: String, _ value: Double?) {
        guard let value, !(value > 0 && value <= 1) else { return }
        fault(field, "is \(value); allowed is a share over 0 and at most 1")
    }

    /// A text with 1 to `maxBytes` bytes, or with none if it may be empty.
    public mutating func text(
        _ field: String, _ value: String, maxBytes: Int = 256, mayBeEmpty: Bool = false
    ) {
        let bytes = value.utf8.count
        if bytes == 0, !mayBeEmpty {
            fault(field, "is empty; give 1 to \(maxBytes) bytes")
        } else if bytes > maxBytes {
            fault(field, "has \(bytes) bytes; at most \(maxBytes) are allowed")
        }
    }
}
