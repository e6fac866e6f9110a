import AgentKit
import Coordination
import Threads

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What asking and telling a breaker costs, with `now` passed in. Prints one line a figure:
/// nanoseconds of processor time per operation, the median of runs, so that a busy machine says the
/// same as a quiet one; ends with a failure when one is over its bar.
@main
enum BreakerBenchMain {
    static let rounds = 7
    static let calls = 2_000_000

    static func main() {
        var isRight = true
        let cores = 2
        let closed = median { permitAndReport(.calls(100)) }
        let timed = median { permitAndReport(.millis(10_000)) }
        let refused = median(rejection)
        let handle = median { handles(threads: 1) }
        let contended = median { handles(threads: cores) }
        isRight = show("permit + report, count window", closed, atMost: 100) && isRight
        isRight = show("permit + report, time window", timed, atMost: 100) && isRight
        isRight = show("rejection", refused, atMost: 50) && isRight
        isRight = show("AgentKit's copy, one thread", handle, atMost: 200) && isRight
        isRight = show("AgentKit's copy, \(cores) threads", contended, atMost: 200) && isRight
        precondition(isRight, "a figure is over its bar")
    }

    /// Nanoseconds of one permit and its report while closed.
    static func permitAndReport(_ window: BreakerPolicy.Window) -> Double {
        var now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 0)
        var breaker = Breaker(BreakerPolicy(window: window), at: now)
        var recorded = 0
        let began = processorNanos()
        for call in 0..<calls {
            now.monotonicNanos += 1_000
            guard case .granted(let permit) = breaker.permit(at: now) else { continue }
            let verdict: CallVerdict = call & 7 == 0 ? .failure : .success
            if breaker.reported(permit, verdict, durationNanos: 900, at: now, random: 1)
                == .recorded
            {
                recorded += 1
            }
        }
        let nanos = processorNanos() - began
        precondition(recorded == calls, "a call was not recorded")
        return Double(nanos) / Double(calls)
    }

    /// Nanoseconds of one refusal while open.
    static func rejection() -> Double {
        let now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 0)
        var opened = Breaker(BreakerPolicy(window: .calls(1), minimumCalls: 1), at: now)
        if case .granted(let permit) = opened.permit(at: now) {
            _ = opened.reported(permit, .failure, durationNanos: 1, at: now, random: 1)
        }
        var refused = 0
        let began = processorNanos()
        for _ in 0..<calls {
            if case .refused = opened.permit(at: now) { refused += 1 }
        }
        let nanos = processorNanos() - began
        precondition(refused == calls, "an open breaker let a call through")
        return Double(nanos) / Double(calls)
    }

    /// Nanoseconds of one permit and its report through one handle that `threads` share.
    static func handles(threads: Int) -> Double {
        let handle = BreakerHandle("bench", link: Sink())
        let began = processorNanos()
        let workers = (0..<threads).compactMap { thread in
            try? NamedThread.start(name: "bench-\(thread)") { work(handle) }
        }
        precondition(workers.count == threads, "the system refused a thread")
        for worker in workers { worker.join() }
        return Double(processorNanos() - began) / Double(calls * threads)
    }

    private static func work(_ handle: BreakerHandle) {
        for call in 0..<calls {
            let now = Int64(call)
            guard case .granted(let permit) = handle.permit(atNanos: now) else { continue }
            handle.report(permit, .success, durationNanos: 900 &+ now)
        }
    }

    /// Processor time of the whole process.
    private static func processorNanos() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func median(_ body: () -> Double) -> Double {
        _ = body()
        return (0..<rounds).map { _ in body() }.sorted()[rounds / 2]
    }

    private static func show(_ what: String, _ nanos: Double, atMost bar: Double) -> Bool {
        let isRight = nanos <= bar
        let rounded = (nanos * 10).rounded() / 10
        print("\(what): \(rounded) ns, at most \(bar): \(isRight ? "ok" : "TOO SLOW")")
        return isRight
    }
}

/// Takes reports and drops them.
private final class Sink: BreakerLink {
    func permit(
        _ breaker: String, completion: @escaping @Sendable (PermitDecision?) -> Void
    ) { completion(nil) }

    func report(_ breaker: String, _ reports: [CallReport]) {}

    func follow(
        _ breaker: String, refresh: @escaping @Sendable (BreakerSight?, UInt64) -> Void
    ) -> UInt64 {
        refresh(BreakerSight(state: .closed, generation: 1, untilNanos: .max), 1)
        return 0
    }

    func unfollow(_ breaker: String, _ number: UInt64) {}
}
