import Testing
import Threads

@Suite struct LazyTests {
    private final class Thing: Sendable {
        private let living: Locked<Int>

        init(_ living: Locked<Int>) {
            self.living = living
            living.withLock { $0 += 1 }
        }

        deinit { living.withLock { $0 -= 1 } }
    }

    @Test func `nothing is made before it is wanted, and then one`() {
        let living = Locked(0)
        let lazy = Lazy { Thing(living) }
        #expect(lazy.existing == nil && living.snapshot == 0)
        let first = lazy.value
        #expect(lazy.value === first && lazy.existing === first && living.snapshot == 1)
    }

    @Test func `threads that come at once get the same one, and no other stays`() async throws {
        for _ in 0..<50 {
            let living = Locked(0)
            let lazy = Lazy { Thing(living) }
            let seen = Locked<Set<ObjectIdentifier>>([])
            try await onThreads(4) { _ in
                let own = ObjectIdentifier(lazy.value)
                seen.withLock { _ = $0.insert(own) }
            }
            #expect(seen.snapshot.count == 1 && living.snapshot == 1)
        }
    }

    @Test func `what was made goes with it`() {
        let living = Locked(0)
        do {
            let lazy = Lazy { Thing(living) }
            _ = lazy.value
        }
        #expect(living.snapshot == 0)
    }
}
