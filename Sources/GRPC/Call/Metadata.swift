import HTTP2

/// The metadata of a call: an ordered list of names and values, in one allocation.
///
/// Names are lower case. A name that ends in `-bin` carries bytes, base64 on the wire; every other
/// carries printable ASCII. Names that begin with `grpc-` or `:` belong to the protocol and are
/// neither shown nor sent.
public struct Metadata: Sendable, Hashable {
    /// The fields as on the wire: values of `-bin` names are base64.
    var fields = HTTP2Fields()

    /// No metadata; allocates nothing.
    public init() {}

    /// How many entries there are.
    public var count: Int { fields.count }
    /// True when there is no entry.
    public var isEmpty: Bool { fields.isEmpty }

    /// Appends a text entry; `name` is made lower case.
    ///
    /// Bytes of `value` outside %x20-7E are replaced by `?`, leading and trailing spaces are dropped:
    /// HTTP/2 would refuse the whole call otherwise. Use a `-bin` name for anything but ASCII.
    public mutating func add(_ name: String, _ value: String) {
        precondition(
            Self.isUsableName(name), "metadata name \(name): use 0-9 a-z _ . - , not grpc-")
        fields.append(name: name.lowercased(), value: Self.printable(value))
    }

    /// Appends a binary entry; `name` must end in `-bin`. Sent as unpadded base64.
    public mutating func add(_ name: String, bytes: [UInt8]) {
        precondition(
            Self.isUsableName(name), "metadata name \(name): use 0-9 a-z _ . - , not grpc-")
        precondition(
            name.hasSuffix("-bin"), "metadata name \(name): bytes need a name ending in -bin")
        fields.append(name: name.lowercased(), value: Base64.encode(bytes))
    }

    /// Appends every entry of another list.
    public mutating func add(contentsOf other: Metadata) {
        fields.append(contentsOf: other.fields)
    }

    /// The first value of this name as on the wire, or nil. `name` must be lower case.
    public func first(_ name: String) -> String? {
        for field in fields.fields {
            if nameOf(field, equals: name) { return fields.text(in: field.value) }
        }
        return nil
    }

    /// Every value of this name as on the wire, in order. `name` must be lower case.
    public func all(_ name: String) -> [String] {
        var values: [String] = []
        for field in fields.fields {
            if nameOf(field, equals: name) { values.append(fields.text(in: field.value)) }
        }
        return values
    }

    /// The first value of this `-bin` name, decoded; nil when there is none or it is not base64.
    public func firstBytes(_ name: String) -> [UInt8]? { allBytes(name).first }

    /// Every value of this `-bin` name, decoded, in order; values that are not base64 are left out.
    ///
    /// A value with commas is a list (the peer or a proxy joined several), so it is split first.
    public func allBytes(_ name: String) -> [[UInt8]] {
        var values: [[UInt8]] = []
        for field in fields.fields {
            guard nameOf(field, equals: name) else { continue }
            for part in fields.bytes[field.value].split(
                separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            {
                if let bytes = Base64.decode(part) { values.append(bytes) }
            }
        }
        return values
    }

    /// Calls `body` with each name and its value as on the wire, in order.
    public func forEach(_ body: (_ name: String, _ value: String) -> Void) {
        for field in fields.fields {
            body(fields.text(in: field.name), fields.text(in: field.value))
        }
    }

    /// True for names a user may send: `[0-9a-z_.-]`, not reserved, at most 256 bytes.
    public static func isUsableName(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 256, !name.lowercased().hasPrefix("grpc-") else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
    }

    private func nameOf(_ field: HTTP2Fields.Field, equals name: String) -> Bool {
        field.name.count == name.utf8.count
            && fields.bytes[field.name].elementsEqual(name.utf8)
    }

    private static func printable(_ value: String) -> [UInt8] {
        let bytes = value.utf8.map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
        let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") }
        return Array(bytes.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}

extension Metadata: ExpressibleByDictionaryLiteral {
    /// Text entries in the order written; see `add(_:_:)`.
    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements { add(name, value) }
    }
}
