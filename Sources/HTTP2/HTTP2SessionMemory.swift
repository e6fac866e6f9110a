// What every frame of every stream touches lies in plain memory: an array would be checked for
// being shared at each write of a member.

/// The records of a session's streams, by slot.
@safe
struct StreamTable: ~Copyable {
    private var records: UnsafeMutablePointer<StreamRecord>
    private var capacity = 8
    /// How many slots there are, free ones too.
    private(set) var count = 0

    init() {
        unsafe records = .allocate(capacity: capacity)
    }

    deinit {
        unsafe records.deinitialize(count: count)
        unsafe records.deallocate()
    }

    /// The record of a slot; valid until the next `appendSlot`.
    subscript(slot: Int32) -> UnsafeMutablePointer<StreamRecord> {
        precondition(slot >= 0 && slot < count, "slot \(slot) was never given out")
        return unsafe records + Int(slot)
    }

    /// Adds a slot with an empty record.
    mutating func appendSlot() -> Int32 {
        if count == capacity { grow() }
        unsafe (records + count).initialize(to: StreamRecord())
        count += 1
        return Int32(count - 1)
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<StreamRecord>.allocate(capacity: capacity * 2)
        unsafe larger.moveInitialize(from: records, count: count)
        unsafe records.deallocate()
        unsafe records = unsafe larger
        capacity *= 2
    }

    /// The slot of the stream with this identifier; walks all of them.
    func firstSlot(of id: Int32) -> Int32? {
        for slot in 0..<Int32(count) where unsafe self[slot].pointee.id == id { return slot }
        return nil
    }
}

/// The fields of the header block that is being received. nghttp2 hands them over one by one; the
/// batch gets them together at the block's end. What the end of an input cuts off just stays.
///
/// Holds as many bytes as the header limit allows, and gives most of them back after a large block.
@safe
struct ReceivedBlock: ~Copyable {
    private static let keptBytes = 1024
    private static let keptFields = 16

    private var bytes: UnsafeMutableRawPointer
    private var byteCount = 0
    private var byteCapacity = keptBytes
    private var fields: UnsafeMutablePointer<HTTP2Fields.Field>
    private var fieldCount = 0
    private var fieldCapacity = keptFields

    init() {
        unsafe bytes = .allocate(byteCount: Self.keptBytes, alignment: 8)
        unsafe fields = .allocate(capacity: Self.keptFields)
    }

    deinit {
        unsafe bytes.deallocate()
        unsafe fields.deallocate()
    }

    /// A new block begins.
    mutating func removeAll() {
        byteCount = 0
        fieldCount = 0
    }

    /// Appends a field from nghttp2's memory, which is valid during the callback only.
    mutating func append(
        name: UnsafePointer<UInt8>, _ nameBytes: Int, value: UnsafePointer<UInt8>, _ valueBytes: Int
    ) {
        let end = byteCount + nameBytes + valueBytes
        if end > byteCapacity || fieldCount == fieldCapacity { grow(toHold: end) }
        let target = unsafe bytes + byteCount
        unsafe target.copyMemory(from: name, byteCount: nameBytes)
        unsafe (target + nameBytes).copyMemory(from: value, byteCount: valueBytes)
        unsafe (fields + fieldCount).initialize(
            to: HTTP2Fields.Field(
                start: byteCount, nameBytes: nameBytes, valueBytes: valueBytes, isSensitive: false))
        fieldCount += 1
        byteCount = end
    }

    /// Moves the block to the end of `target`, unless it is the same as the one at `latest` there;
    /// returns its place.
    mutating func move(to target: inout HTTP2Fields, unlessAt latest: Range<Int>) -> Range<Int> {
        defer { removeAll() }
        let (ownFields, ownBytes) = unsafe (
            UnsafeBufferPointer(start: fields, count: fieldCount),
            UnsafeRawBufferPointer(start: bytes, count: byteCount)
        )
        if unsafe target.block(latest, equals: ownFields, ownBytes) { return latest }
        let first = target.count
        unsafe target.append(ownFields, of: ownBytes)
        if byteCapacity > 4 * Self.keptBytes { shrink() }
        return first..<target.count
    }

    private mutating func grow(toHold count: Int) {
        resize(max(count, 2 * byteCapacity), 2 * fieldCapacity)
    }

    private mutating func shrink() {
        removeAll()
        resize(Self.keptBytes, Self.keptFields)
    }

    private mutating func resize(_ newByteCapacity: Int, _ newFieldCapacity: Int) {
        let newBytes = UnsafeMutableRawPointer.allocate(byteCount: newByteCapacity, alignment: 8)
        unsafe newBytes.copyMemory(from: bytes, byteCount: byteCount)
        unsafe bytes.deallocate()
        unsafe bytes = unsafe newBytes
        byteCapacity = newByteCapacity
        let newFields = UnsafeMutablePointer<HTTP2Fields.Field>.allocate(capacity: newFieldCapacity)
        unsafe newFields.moveInitialize(from: fields, count: fieldCount)
        unsafe fields.deallocate()
        unsafe fields = unsafe newFields
        fieldCapacity = newFieldCapacity
    }
}
