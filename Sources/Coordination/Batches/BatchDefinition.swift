/// How items of an operation are gathered and handed over.
public struct BatchDefinition: Sendable, Hashable {
    /// What happens to items that fail together, or that may be tried again.
    public enum FailurePolicy: Sendable, Hashable {
        /// They fail.
        case fail
        /// Each is tried again alone, up to so many times in all; the wait doubles from `millis`.
        case retryItems(attempts: Int, millis: Int64)
    }

    /// The name that items are submitted to, 1 to 256 bytes.
    public var operation: String
    /// Whose operation is called.
    public var agentType: String
    public var agentOperation: String
    /// What makes a batch leave: items, 1 to 1,000; the wait of its oldest, 1 to 3,600,000 ms; bytes,
    /// 1 to 2,000,000.
    public var maxItems: Int
    public var maxDelayMillis: Int64
    public var maxBytes: Int
    /// Batches at agents at once, 1 to 100.
    public var maxInFlight: Int
    /// Items that may wait, 1 to 100,000.
    public var maxWaiting: Int
    /// How long an agent has, 1 to 3,600,000 ms.
    public var timeoutMillis: Int64
    public var onFailure: FailurePolicy

    /// Combines the parts; what is left out has its default.
    public init(
        operation: String, agentType: String, agentOperation: String? = nil, maxItems: Int = 100,
        maxDelayMillis: Int64 = 100, maxBytes: Int = 1_000_000, maxInFlight: Int = 4,
        maxWaiting: Int = 10_000, timeoutMillis: Int64 = 30_000, onFailure: FailurePolicy = .fail
    ) {
        self.operation = operation
        self.agentType = agentType
        self.agentOperation = agentOperation ?? operation
        self.maxItems = maxItems
        self.maxDelayMillis = maxDelayMillis
        self.maxBytes = maxBytes
        self.maxInFlight = maxInFlight
        self.maxWaiting = maxWaiting
        self.timeoutMillis = timeoutMillis
        self.onFailure = onFailure
    }

    /// Everything that is wrong with it; `prefix` is where it stands in the request.
    public func faults(_ prefix: String) -> [FieldFault] {
        var faults: [FieldFault] = []
        func check(_ isRight: Bool, _ field: String, _ description: String) {
            if isRight { return }
            faults.append(FieldFault(field: prefix + field, description: description))
        }
        func check(_ value: Int64, _ range: ClosedRange<Int64>, _ field: String) {
            check(
                range.contains(value), field,
                "is \(value); \(range.lowerBound) to \(range.upperBound), or 0 for the default")
        }
        for (text, field) in [(operation, "operation"), (agentType, "agent_type")] {
            check(!text.isEmpty, field, "is required")
            check(text.utf8.count <= 256, field, "is over 256 bytes")
        }
        check(agentOperation.utf8.count <= 256, "agent_operation", "is over 256 bytes")
        check(Int64(maxItems), 1...1_000, "max_items")
        check(maxDelayMillis, 1...3_600_000, "max_delay_millis")
        check(Int64(maxBytes), 1...2_000_000, "max_bytes")
        check(Int64(maxInFlight), 1...100, "max_in_flight")
        check(Int64(maxWaiting), 1...100_000, "max_waiting")
        check(timeoutMillis, 1...3_600_000, "timeout_millis")
        if case .retryItems(let attempts, let millis) = onFailure {
            check(Int64(attempts), 2...100, "max_attempts")
            check(millis, 1...60_000, "retry_millis")
        }
        return faults
    }
}
