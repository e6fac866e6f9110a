import Foundation
import NIOCore

/// The clock of the simulated exchange: starts at an instant and runs at a speed of its own.
struct SimulatedClock: Sendable {
    /// Market seconds in a real second; 0 stands still. Default 1.
    let speed: Double
    private var startMillis: Int64
    private let startedAt: NIODeadline

    /// Starts now; `start` is the market's time, by default this machine's.
    init(start: UTCInstant? = nil, speed: Double = 1) {
        self.speed = speed
        startMillis = (start ?? SimulatedClock.wallTime).millis
        startedAt = .now()
    }

    /// The market's time.
    var millis: Int64 { startMillis + Int64(Double(realMillis) * speed) }

    /// Since the start by the real clock.
    var realMillis: Int64 { (NIODeadline.now() - startedAt).nanoseconds / 1_000_000 }

    /// Puts the clock forward.
    mutating func advance(hours: Double) {
        startMillis += Int64(hours * Double(UTCInstant.millisPerHour))
    }

    private static var wallTime: UTCInstant {
        UTCInstant(millis: Int64(Date().timeIntervalSince1970 * 1_000))
    }
}
