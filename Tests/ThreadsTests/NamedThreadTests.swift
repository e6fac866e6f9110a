import Foundation
import Testing
import Threads

@Suite struct NamedThreadTests {
    @Test func `join returns after the body has ended, and may be called twice`() async throws {
        let ended = Locked(false)
        let go = Latch()
        let thread = try NamedThread.start(name: "worker") {
            go.wait()
            ended.withLock { $0 = true }
        }
        #expect(!ended.snapshot)
        go.open()
        try await onOwnThread { thread.join() }
        #expect(ended.snapshot)
        try await onOwnThread { thread.join() }
    }

    #if os(Linux)
        @Test(arguments: [
            ("store", "store"),
            ("a-name-longer-than-fifteen-bytes", "a-name-longer-t"),
        ])
        func `the system shows the name of a thread`(given: String, shown: String) async throws {
            let seen = Locked("")
            let thread = try NamedThread.start(name: given) {
                let comm = FileManager.default.contents(atPath: "/proc/thread-self/comm") ?? Data()
                seen.withLock { $0 = String(decoding: comm, as: UTF8.self) }
            }
            thread.join()
            #expect(seen.snapshot == shown + "\n")
            #expect(thread.name == given)
        }
    #endif

    @Test func `a thread whose handle is dropped still runs to its end`() async throws {
        let ran = Latch()
        _ = try NamedThread.start(name: "dropped") { ran.open() }
        #expect(try await onOwnThread { ran.wait(timeout: .seconds(30)) })
    }
}
