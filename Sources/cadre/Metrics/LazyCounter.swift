import Synchronization
import Telemetry

/// A counter that is made at its first use and then costs one atomic load to reach.
final class LazyCounter: Sendable {
    private let made = AtomicLazyReference<Counter>()
    private let make: @Sendable () -> Counter

    init(_ make: @escaping @Sendable () -> Counter) {
        self.make = make
    }

    var counter: Counter { made.load() ?? made.storeIfNil(make()) }
}
