import Messages

extension GoogleProtobuf.AnyMessage {
    /// The prefix every implementation writes; readers look at what follows the last slash only.
    private static let urlPrefix = "type.googleapis.com/"

    /// Wraps a message together with its name.
    public init<Message: WireMessage>(packing message: Message) {
        self.init(typeURL: Self.urlPrefix + Message.protoName, value: message.encoded())
    }

    /// The message inside; nil when it is of another type or cannot be decoded.
    public func unpacked<Message: WireMessage>(as type: Message.Type) -> Message? {
        guard let name = typeURL.split(separator: "/").last, name == Message.protoName else {
            return nil
        }
        return try? Message.decoded(from: value)
    }
}

extension GoogleProtobuf.Duration {
    /// From a duration, cut to nanoseconds.
    public init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(seconds: seconds, nanos: Int32(attoseconds / 1_000_000_000))
    }

    /// The same as a `Duration`.
    public var duration: Duration {
        .seconds(seconds) + .nanoseconds(Int64(nanos))
    }
}
