import Synchronization

/// An object that is made at its first use and then costs one atomic load to reach.
final class Lazy<Value: AnyObject & Sendable>: Sendable {
    private let made = AtomicLazyReference<Value>()
    private let make: @Sendable () -> Value

    init(_ make: @escaping @Sendable () -> Value) {
        self.make = make
    }

    /// The object if it was made already.
    var existing: Value? { made.load() }

    var value: Value { made.load() ?? made.storeIfNil(make()) }
}
