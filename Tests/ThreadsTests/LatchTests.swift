import Testing
import Threads

@Suite struct LatchTests {
    @Test func `a closed latch times out, an open one does not wait`() async throws {
        let latch = Latch()
        #expect(!latch.isOpen)
        #expect(!latch.wait(timeout: .zero))
        #expect(!(try await onOwnThread { latch.wait(timeout: .milliseconds(2)) }))
        latch.open()
        latch.open()
        #expect(latch.isOpen)
        #expect(latch.wait(timeout: .zero))
        #expect(latch.wait())
    }

    @Test func `opening releases every waiting thread`() async throws {
        let latch = Latch()
        let released = Locked(0)
        try await onThreads(4) { index in
            if index == 0 { latch.open() } else { latch.wait() }
            released.withLock { $0 += 1 }
        }
        #expect(released.snapshot == 4)
    }
}

@Suite struct MonitorTests {
    @Test func `a waiting thread sees the value that satisfied it`() async throws {
        let level = Monitor(0)
        let seen = Locked(0)
        try await onThreads(2) { index in
            if index == 0 {
                let reached = level.wait(until: { $0 >= 3 }, then: { $0 })
                seen.withLock { $0 = reached }
            } else {
                for _ in 0..<3 {
                    level.withLock { $0 += 1 }
                    level.signal()
                }
            }
        }
        #expect(seen.snapshot == 3)
    }

    @Test(arguments: [Duration.seconds(-5), .zero, .microseconds(1), .milliseconds(3)])
    func `a wait that is not satisfied ends after its timeout`(timeout: Duration) async throws {
        let waited = try await onOwnThread {
            let started = SystemClock.monotonicNanos()
            Monitor(0).wait(timeout: timeout, until: { $0 > 0 }, then: { _ in })
            return Duration.nanoseconds(SystemClock.monotonicNanos() - started)
        }
        #expect(waited >= timeout)
    }

    @Test func `a timeout beyond any calendar does not overflow`() {
        let ready = Monitor(true)
        let isReady = ready.wait(timeout: .seconds(Int64.max), until: { $0 }, then: { $0 })
        #expect(isReady)
    }
}

@Suite struct SystemClockTests {
    @Test func `the monotonic clock never goes back`() {
        var last = SystemClock.monotonicNanos()
        for _ in 0..<10_000 {
            let now = SystemClock.monotonicNanos()
            #expect(now >= last)
            last = now
        }
    }

    @Test func `the wall clock counts milliseconds of this century`() {
        let wall = SystemClock.wallMillis()
        // 2025-01-01 and 2100-01-01.
        #expect((1_735_689_600_000..<4_102_444_800_000).contains(wall))
    }
}
