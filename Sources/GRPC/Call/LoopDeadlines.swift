import NIOCore

/// A call that may have a deadline; used on its loop only.
protocol DeadlineBearer: AnyObject {
    /// Names the armed deadline; `LoopDeadlines` alone sets it.
    var deadlineToken: Int32? { get set }
    /// The deadline has passed.
    func deadlinePassed()
}

/// The deadlines of calls on one loop, and the one timer that they need between them: a timer of
/// the loop's for each call would cost it two allocations and a place in a heap.
///
/// Belongs to its event loop.
final class LoopDeadlines<Call: DeadlineBearer> {
    private let eventLoop: any EventLoop
    private var wheel: DeadlineWheel<Call>
    private var wake: Scheduled<Void>?
    private var wakeAt = UInt64.max

    /// No call has a deadline yet.
    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        wheel = DeadlineWheel(now: NIODeadline.now().uptimeNanoseconds)
    }

    /// Tells the call at `deadline` (monotonic nanoseconds), or up to two milliseconds later.
    func arm(_ deadline: UInt64, _ call: Call) {
        call.deadlineToken = wheel.arm(deadline, call)
        if deadline < wakeAt { scheduleWake() }
    }

    /// The call has ended; one without a deadline is none of our business.
    func disarm(_ call: Call) {
        guard let token = call.deadlineToken else { return }
        call.deadlineToken = nil
        wheel.cancel(token)
    }

    /// Every call has ended, and there will be no more.
    func stop() {
        wake?.cancel()
        wake = nil
    }

    private func scheduleWake() {
        guard let next = wheel.nextWake, next < wakeAt else { return }
        wake?.cancel()
        wakeAt = next
        wake = eventLoop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(next)) {
            self.expire()
        }
    }

    private func expire() {
        wakeAt = .max
        let late = wheel.expire(now: NIODeadline.now().uptimeNanoseconds)
        // Their tokens are void now: one of these calls may end another when it is told.
        for call in late { call.deadlineToken = nil }
        for call in late { call.deadlinePassed() }
        scheduleWake()
    }
}
