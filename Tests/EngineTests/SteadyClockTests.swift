import Coordination
import Testing

@testable import Engine

@Suite struct SteadyClockTests {
    static let start: Int64 = 1_700_000_000_000
    static let year: Int64 = 366 * 86_400_000

    /// A clock of 10 s trust that was read at second 100, and readings in seconds after that.
    static func read(_ readings: [(seconds: Int64, lead: Int64)]) -> [Int64] {
        var clock = SteadyClock()
        clock.advance(to: EngineTime(monotonicNanos: 100_000_000_000, wallMillis: start))
        return readings.map { seconds, lead in
            clock.advance(
                to: EngineTime(
                    monotonicNanos: (100 + seconds) * 1_000_000_000,
                    wallMillis: start + seconds * 1_000 + lead))
            return clock.now.wallMillis - start
        }
    }

    @Test func `a great leap of a moment leaves no trace`() {
        #expect(Self.read([(60, Self.year), (61, 0), (62, 0)]) == [60_000, 61_000, 62_000])
    }

    @Test func `one that lasts counts`() {
        #expect(
            Self.read([(1, Self.year), (6, Self.year), (11, Self.year)])
                == [1_000, 6_000, 11_000 + Self.year])
    }

    @Test func `a small one counts at once`() {
        #expect(Self.read([(1, 600_000), (2, 600_000)]) == [601_000, 602_000])
    }

    @Test func `while the wall clock is behind, time goes on and lets it catch up`() {
        #expect(
            Self.read([(10, 0), (11, -3_000), (12, -3_000), (15, -3_000), (17, -3_000), (20, 0)])
                == [10_000, 10_500, 11_000, 12_000, 14_000, 20_000])
    }

    @Test func `nothing goes back, a monotonic reading either`() {
        var clock = SteadyClock()
        clock.advance(to: EngineTime(monotonicNanos: 5, wallMillis: 5))
        clock.advance(to: EngineTime(monotonicNanos: 3, wallMillis: 3))
        #expect(clock.now == EngineTime(monotonicNanos: 5, wallMillis: 5))
    }
}
