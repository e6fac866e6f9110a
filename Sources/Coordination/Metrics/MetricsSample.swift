/// What the server keeps of one instant: the engine's reading and the calls of its services.
public struct MetricsSample: Sendable, Hashable {
    /// The engine's numbers.
    public var reading: MeterReading
    /// By service, in order of the alphabet.
    public var calls: [ServiceCalls]

    /// Combines the parts.
    public init(reading: MeterReading, calls: [ServiceCalls]) {
        self.reading = reading
        self.calls = calls
    }

    /// When it was taken.
    public var nanos: Int64 { reading.time.monotonicNanos }
}
