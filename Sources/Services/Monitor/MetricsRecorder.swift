import Coordination
import NIOCore
import Threads

/// Keeps what the server sees of itself once a second. Any thread may look.
public final class MetricsRecorder: Sendable {
    private struct State {
        var history: MetricsHistory?
        var watchers = 0
    }

    /// Callers that may watch at once: each costs a look at the engine every interval.
    static let maxWatchers = 100

    private let state = Locked(State())
    private let calls: @Sendable () -> [ServiceCalls]

    /// A recorder that has seen nothing.
    ///
    /// - Parameter calls: the calls of each served service since the start, in order of the alphabet;
    ///   called on socket loops, once a second and by those who look, so it must be quick.
    public init(calls: @escaping @Sendable () -> [ServiceCalls]) { self.calls = calls }

    /// Begins to look, on one loop, until the returned closure is called.
    public func begin(_ links: EngineLinks, on loop: any EventLoop) async throws
        -> @Sendable () -> Void
    {
        let ticker = try await loop.submit {
            let ticker = MetricsTicker(link: links.link(on: loop), loop: loop, recorder: self)
            ticker.begin()
            return NIOLoopBound(ticker, eventLoop: loop)
        }.get()
        return { loop.execute { ticker.value.end() } }
    }

    /// The newest sample; `nil`: nothing was seen yet.
    public var newest: MetricsSample? { state.withLock { $0.history?.newest } }

    /// The health score of the window that ended with the newest sample; `nil`: nothing was seen yet.
    public func health(ofNanos nanos: Int64) -> HealthAssessment? {
        guard let history = state.withLock({ $0.history }) else { return nil }
        return HealthAssessment(history.window(ending: history.newest, nanos: nanos))
    }

    /// Keeps a reading.
    func record(_ reading: MeterReading) {
        let sample = sample(reading)
        state.withLock { $0.history?.record(sample) }
    }

    /// What a reading and the services say now, and all that is kept before it.
    func look(_ reading: MeterReading) -> (sample: MetricsSample, history: MetricsHistory) {
        let sample = sample(reading)
        return (sample, state.withLock { $0.history } ?? Self.beginning(reading))
    }

    private func sample(_ reading: MeterReading) -> MetricsSample {
        state.withLock { state in
            if state.history == nil { state.history = Self.beginning(reading) }
        }
        return MetricsSample(reading: reading, calls: calls())
    }

    /// A history that begins where counting began, with all at zero.
    private static func beginning(_ reading: MeterReading) -> MetricsHistory {
        MetricsHistory(
            first: MetricsSample(
                reading: MeterReading(time: reading.since, since: reading.since), calls: []))
    }

    // MARK: Watchers

    /// Whether one more may watch; if so, `endWatch` is due.
    func beginWatch() -> Bool {
        state.withLock { state in
            guard state.watchers < Self.maxWatchers else { return false }
            state.watchers += 1
            return true
        }
    }

    /// A watcher is gone.
    func endWatch() { state.withLock { $0.watchers -= 1 } }
}
