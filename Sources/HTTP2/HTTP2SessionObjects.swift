/// One object for each open stream, found by the stream's slot, so that nothing is hashed.
///
/// The layer above keeps its calls here. Plain memory behind a constant: an array in a variable
/// would be checked for overlapping access at every frame. Belongs to the session's owner.
@safe
public final class HTTP2SessionObjects<Object: AnyObject> {
    @unsafe @usableFromInline struct Storage {
        @usableFromInline var objects: UnsafeMutablePointer<Object?>
        @usableFromInline var count: Int
    }

    @usableFromInline let storage: UnsafeMutablePointer<Storage>

    /// No objects.
    public init() {
        unsafe storage = .allocate(capacity: 1)
        unsafe storage.initialize(to: Storage(objects: .allocate(capacity: 0), count: 0))
    }

    deinit {
        unsafe storage.pointee.objects.deinitialize(count: storage.pointee.count)
        unsafe storage.pointee.objects.deallocate()
        unsafe storage.deallocate()
    }

    /// The object in this slot; setting one makes room for it.
    @inlinable
    public subscript(slot: Int32) -> Object? {
        get {
            guard slot >= 0, unsafe Int(slot) < storage.pointee.count else { return nil }
            return unsafe storage.pointee.objects[Int(slot)]
        }
        set {
            precondition(slot >= 0, "a slot is not negative")
            if unsafe Int(slot) >= storage.pointee.count { grow(toHold: slot) }
            unsafe storage.pointee.objects[Int(slot)] = newValue
        }
    }

    /// Calls `body` with each object; `body` may change the table.
    public func forEach(_ body: (Object) -> Void) {
        for slot in 0..<Int32(unsafe storage.pointee.count) {
            if let object = self[slot] { body(object) }
        }
    }

    @usableFromInline
    func grow(toHold slot: Int32) {
        let old = unsafe storage.pointee
        let count = unsafe max(Int(slot) + 1, 2 * old.count)
        let objects = UnsafeMutablePointer<Object?>.allocate(capacity: count)
        unsafe objects.moveInitialize(from: old.objects, count: old.count)
        unsafe (objects + old.count).initialize(repeating: nil, count: count - old.count)
        unsafe old.objects.deallocate()
        unsafe storage.pointee = unsafe Storage(objects: objects, count: count)
    }
}
