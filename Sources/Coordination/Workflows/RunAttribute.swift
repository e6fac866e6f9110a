/// A value that whoever starts a run gives it, to find it by: `attributes.NAME` in filters.
public struct RunAttribute: Sendable, Hashable {
    /// 1 to ``maxNameBytes`` of `[A-Za-z0-9_]`, no digit first.
    public var name: String
    public var value: Value

    /// What filters compare.
    public enum Value: Sendable, Hashable {
        /// At most ``maxTextBytes``.
        case text(String)
        /// Finite.
        case number(Double)
        case flag(Bool)
    }

    /// Attributes of one run.
    public static let maxCount = 32
    /// The longest name, bytes.
    public static let maxNameBytes = 64
    /// The longest text, bytes.
    public static let maxTextBytes = 256

    /// Combines the parts.
    public init(name: String, value: Value) {
        self.name = name
        self.value = value
    }

    /// Everything that is wrong with a run's attributes; fields are named as in the API.
    public static func faults(_ attributes: [RunAttribute]) -> [FieldFault] {
        guard attributes.count <= maxCount else {
            let what = "has \(attributes.count); give at most \(maxCount)"
            return [FieldFault(field: "attributes", description: what)]
        }
        var names: Set<String> = []
        return attributes.enumerated().compactMap { index, attribute in
            attribute.fault("attributes[\(index)]", isKnown: !names.insert(attribute.name).inserted)
        }
    }

    private func fault(_ field: String, isKnown: Bool) -> FieldFault? {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
            default: false
            }
        }
        let startsWell = name.utf8.first.map { !(0x30...0x39).contains($0) } ?? false
        if !isPlain || !startsWell || name.utf8.count > Self.maxNameBytes {
            return FieldFault(
                field: "\(field).name",
                description: "is no name; give 1 to \(Self.maxNameBytes) of A-Z a-z 0-9 _, "
                    + "no digit first")
        }
        if isKnown {
            return FieldFault(field: "\(field).name", description: "is given twice")
        }
        switch value {
        case .text(let text) where text.utf8.count > Self.maxTextBytes:
            return FieldFault(
                field: "\(field).text",
                description: "is \(text.utf8.count) bytes; give at most \(Self.maxTextBytes)")
        case .number(let number) where !number.isFinite:
            return FieldFault(field: "\(field).number", description: "is not finite")
        default: return nil
        }
    }
}
