/// A proto3 enum: open, so a number this version does not know is kept as `.unrecognized`.
public protocol WireEnum: Sendable, Hashable, CaseIterable {
    /// The value of a number; unknown numbers are kept.
    init(rawValue: Int32)

    /// The number on the wire.
    var rawValue: Int32 { get }

    /// The name in the proto, such as `RUN_STATUS_COMPLETED`; nil for an unknown number.
    var protoName: String? { get }
}
