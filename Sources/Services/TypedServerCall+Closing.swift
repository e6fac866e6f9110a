import NIOCore
import Stubs

extension TypedServerCall {
    /// When what the call waits for must be settled, so that its answer still comes; `nil`: the
    /// client waits for ever.
    var closes: NIODeadline? { deadline.map { $0.closing(since: receivedAt) } }
}

extension NIODeadline {
    /// A tenth of the time since `start`, at most 50 ms, before this deadline.
    func closing(since start: NIODeadline) -> NIODeadline {
        let time = max(0, nanoseconds - start.nanoseconds)
        return self - .nanoseconds(min(50_000_000, time / 10))
    }
}
