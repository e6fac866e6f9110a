import Synchronization

/// An object that is made at its first use and then costs one atomic load to reach.
///
/// Any thread may call it. Two threads that come first at once may both make one; one of the two is
/// kept, for all. In place of `AtomicLazyReference`, whose `load` is not specialised outside its
/// own module: it asked the runtime for its types at every use (about 900 instructions).
@safe public final class Lazy<Value: AnyObject & Sendable>: @unchecked Sendable {
    // `@unchecked Sendable` is true because `made` is atomic and goes from 0 to the address of an
    // object once; that object is `Sendable` and retained for as long as this one lives.

    /// The address of the object, which this owns one reference to; 0: none yet.
    @usableFromInline let made = Atomic<UInt>(0)
    @usableFromInline let make: @Sendable () -> Value

    /// Nothing is made yet.
    @inlinable
    public init(_ make: @escaping @Sendable () -> Value) { self.make = make }

    @inlinable
    deinit {
        if let object = unsafe Self.object(made.load(ordering: .acquiring)) {
            unsafe object.release()
        }
    }

    /// The object if it was made already.
    @inlinable public var existing: Value? {
        unsafe Self.object(made.load(ordering: .acquiring))?.takeUnretainedValue()
    }

    /// The object, which is made now if it was not before.
    @inlinable public var value: Value { existing ?? keep(make()) }

    /// Keeps an object unless another one is kept already; the one that is.
    @inlinable
    func keep(_ new: Value) -> Value {
        let owned = unsafe Unmanaged.passRetained(new)
        let (isKept, first) = unsafe made.compareExchange(
            expected: 0, desired: UInt(bitPattern: owned.toOpaque()),
            ordering: .acquiringAndReleasing)
        if isKept { return new }
        unsafe owned.release()
        return unsafe Self.object(first)?.takeUnretainedValue() ?? new
    }

    @inlinable
    static func object(_ address: UInt) -> Unmanaged<Value>? {
        unsafe UnsafeRawPointer(bitPattern: address).map { unsafe Unmanaged.fromOpaque($0) }
    }
}
