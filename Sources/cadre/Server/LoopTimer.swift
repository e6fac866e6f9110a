import Engine
import NIOCore
import Threads

/// The engine's alarm clock on a socket loop, so that no thread is kept for it.
final class LoopTimer: TimerPort {
    private struct State {
        var onWake: (@Sendable () -> Void)?
        var dueNanos: Int64?
        var scheduled: Scheduled<Void>?
    }

    private let loop: any EventLoop
    private let state = Locked(State())

    /// Rings on `loop`.
    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func start(onWake: @escaping @Sendable () -> Void) {
        state.withLock { $0.onWake = onWake }
    }

    func wake(atNanos: Int64) {
        let replaced = state.withLock { state -> Scheduled<Void>? in
            // An alarm that rings earlier does no harm: the engine then asks for the next one.
            if let due = state.dueNanos, due <= atNanos { return nil }
            let replaced = state.scheduled
            state.dueNanos = atNanos
            state.scheduled = loop.scheduleTask(
                deadline: .uptimeNanoseconds(UInt64(clamping: atNanos))
            ) { self.ring() }
            return replaced
        }
        replaced?.cancel()
    }

    func stop() {
        let scheduled = state.withLock { state in
            let scheduled = state.scheduled
            state = State()
            return scheduled
        }
        scheduled?.cancel()
    }

    private func ring() {
        let onWake = state.withLock { state in
            state.dueNanos = nil
            state.scheduled = nil
            return state.onWake
        }
        onWake?()
    }
}
