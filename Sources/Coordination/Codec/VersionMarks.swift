/// What the versions of one definition's name said, as fingerprints, so that none is ever stored with
/// other content. At most ``most`` are kept; the oldest go first.
public struct VersionMarks: Sendable, Hashable {
    /// Versions that are kept.
    public static let most = 256

    private static let format: UInt8 = 1

    private struct Mark: Sendable, Hashable {
        var version: UInt64
        /// Fingerprint of the stored form, whose own format comes first: another format says the
        /// same in other bytes.
        var content: UInt64
        var contentFormat: UInt8
    }

    /// Oldest first.
    private var marks: [Mark] = []

    /// No version.
    public init() {}

    /// Whether a version is kept with other content. One that was kept in another format cannot be
    /// compared, and is none. O(versions + bytes).
    public func contradict(_ version: String, _ stored: [UInt8]) -> Bool {
        let mark = Self.mark(version, stored)
        return marks.contains {
            $0.version == mark.version && $0.contentFormat == mark.contentFormat
                && $0.content != mark.content
        }
    }

    /// Keeps what a version says, as the newest. O(versions + bytes).
    public mutating func note(_ version: String, _ stored: [UInt8]) {
        let mark = Self.mark(version, stored)
        marks.removeAll { $0.version == mark.version }
        marks.append(mark)
        if marks.count > Self.most { marks.removeFirst(marks.count - Self.most) }
    }

    private static func mark(_ version: String, _ stored: [UInt8]) -> Mark {
        var name = StableHash()
        name.combine(version)
        var content = StableHash()
        content.combine(stored)
        return Mark(
            version: name.value, content: content.value, contentFormat: stored.first ?? 0)
    }

    // MARK: Stored

    /// The stored form, format version first.
    public var encoded: [UInt8] {
        var writer = ByteWriter(capacity: 8 + marks.count * 21)
        writer.byte(Self.format)
        writer.array(marks) {
            $0.unsigned($1.version)
            $0.unsigned($1.content)
            $0.byte($1.contentFormat)
        }
        return writer.bytes
    }

    /// Reads what ``encoded`` gave.
    public init(_ bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: Self.format)
        marks = try reader.array { (reader) throws(CodecError) in
            Mark(
                version: try reader.unsigned(), content: try reader.unsigned(),
                contentFormat: try reader.byte())
        }
    }
}
