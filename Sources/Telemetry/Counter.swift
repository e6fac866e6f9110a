import Synchronization
import Threads

/// A number that only grows: events, bytes, refusals. Whole numbers; see ``DoubleCounter``.
///
/// Any thread may add; one relaxed atomic addition, no lock, no allocation. Starts at zero with
/// the process, and scrapers expect that; past 2^64 it starts at zero again.
public final class Counter: Sendable {
    @usableFromInline let total = Atomic<UInt64>(0)
    let createdAtMillis = SystemClock.wallMillis()

    /// A counter at zero. Families make them; one made by hand is not rendered.
    public init() {}

    /// Adds an amount, 1 unless given.
    @inlinable
    public func add(_ amount: UInt64 = 1) {
        total.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The total so far.
    @inlinable
    public var value: UInt64 { total.load(ordering: .relaxed) }
}

/// A sum that only grows and need not be whole, such as seconds spent.
///
/// Any thread may add; an atomic compare-and-exchange, no lock, no allocation.
public final class DoubleCounter: Sendable {
    private let total = AtomicDouble()
    let createdAtMillis = SystemClock.wallMillis()

    /// A sum at zero. Families make them; one made by hand is not rendered.
    public init() {}

    /// Adds an amount. Negative amounts and NaN would break the promise to only grow, and come
    /// from clock or arithmetic mistakes; they are ignored.
    public func add(_ amount: Double) {
        if amount > 0 { total.add(amount) }
    }

    /// The sum so far.
    public var value: Double { total.value }
}

/// A double that many threads change: its bits in an atomic integer.
struct AtomicDouble: ~Copyable, Sendable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    func add(_ amount: Double) {
        var expected = bits.load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: expected) + amount
            let (exchanged, original) = bits.weakCompareExchange(
                expected: expected, desired: sum.bitPattern, ordering: .relaxed)
            if exchanged { return }
            expected = original
        }
    }
}
