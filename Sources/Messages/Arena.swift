import CProtobufC

/// The memory of one decode or encode: handed out in order, never taken back piece by piece,
/// given back whole when ``with(cap:_:)`` returns.
///
/// protobuf-c takes it as its `ProtobufCAllocator` ("Structure for defining a custom memory
/// allocator", protobuf-c.h) and asks it for every struct, string and array. The first kilobyte
/// is on the stack, which is all a small message needs; after that chunks are chained, each
/// twice as large as the last, until `cap` is reached and every request answers nil.
///
/// Unsafe to use: what it hands out is dead when `with` returns.
@unsafe public struct Arena {
    private let state: UnsafeMutablePointer<State>

    @unsafe private struct State {
        /// First, so that a pointer to the state is a pointer to the allocator.
        var allocator: ProtobufCAllocator
        var cursor: UnsafeMutableRawPointer
        var end: UnsafeMutableRawPointer
        /// The newest chunk; its first word points to the one before.
        var chunks: UnsafeMutableRawPointer?
        var nextChunkBytes: Int
        /// Bytes still to be granted.
        var allowance: Int
        var capReached: Bool
    }

    private enum Size {
        /// On the stack; above this `withUnsafeTemporaryAllocation` would go to the heap.
        static var scratch: Int { 1024 }
        static var firstChunk: Int { 8 * 1024 }
        /// Doubling stops here, so that a large message does not take twice what it needs.
        static var largestChunk: Int { 1024 * 1024 }
        /// Nothing in a message needs more: pointers, doubles and 64-bit integers.
        static var alignment: Int { 8 }
    }

    /// Runs `body` with a fresh arena.
    ///
    /// - Parameter cap: bytes after which requests are refused; `.max` for our own messages.
    public static func with<Outcome>(
        cap: Int, _ body: (Arena) -> Outcome
    ) -> Outcome {
        unsafe withUnsafeTemporaryAllocation(byteCount: Size.scratch, alignment: Size.alignment) {
            scratch in
            let start = scratch.baseAddress!
            var state = unsafe State(
                allocator: ProtobufCAllocator(), cursor: start, end: start + Size.scratch,
                chunks: nil, nextChunkBytes: Size.firstChunk, allowance: cap, capReached: false)
            return unsafe withUnsafeMutablePointer(to: &state) { pointer in
                let arena = unsafe Arena(state: pointer)
                defer { unsafe arena.releaseChunks() }
                return unsafe body(arena)
            }
        }
    }

    /// The arena in the form protobuf-c takes; valid as long as the arena.
    var allocator: UnsafeMutablePointer<ProtobufCAllocator> {
        // The callbacks run only inside protobuf-c calls made while the arena lives, and
        // `allocator_data` is the state the arena itself points to.
        unsafe state.pointee.allocator = ProtobufCAllocator(
            alloc: { data, size in
                guard let data = unsafe data else { return nil }
                let arena = unsafe Arena(state: data.assumingMemoryBound(to: State.self))
                return unsafe arena.request(size)
            },
            free: { _, _ in },
            allocator_data: UnsafeMutableRawPointer(state))
        return unsafe UnsafeMutableRawPointer(state)
            .assumingMemoryBound(to: ProtobufCAllocator.self)
    }

    /// Whether a request was refused because of the cap.
    var capReached: Bool {
        unsafe state.pointee.capReached
    }

    /// `count` uninitialised bytes, or nil at the cap.
    func request(_ count: Int) -> UnsafeMutableRawPointer? {
        let size = (count &+ Size.alignment &- 1) & ~(Size.alignment &- 1)
        guard size >= count, unsafe size <= state.pointee.allowance else {
            unsafe state.pointee.capReached = true
            return nil
        }
        unsafe state.pointee.allowance -= size
        if unsafe state.pointee.end - state.pointee.cursor < size {
            unsafe chainChunk(for: size)
        }
        let start = unsafe state.pointee.cursor
        unsafe state.pointee.cursor = start + size
        return unsafe start
    }

    /// `count` uninitialised bytes of an arena without cap.
    public func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        guard let memory = unsafe request(count) else {
            preconditionFailure("only a decode runs under a cap, and it asks through protobuf-c")
        }
        return unsafe memory
    }

    /// Room for `count` values in an arena without cap.
    public func allocate<Value>(_ type: Value.Type, count: Int) -> UnsafeMutablePointer<Value> {
        unsafe allocate(count * MemoryLayout<Value>.stride)
            .bindMemory(to: Value.self, capacity: count)
    }

    private func chainChunk(for size: Int) {
        let header = Size.alignment
        let bytes = unsafe max(size + header, state.pointee.nextChunkBytes)
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: Size.alignment)
        unsafe chunk.storeBytes(of: state.pointee.chunks, as: UnsafeMutableRawPointer?.self)
        unsafe state.pointee.chunks = chunk
        unsafe state.pointee.cursor = chunk + header
        unsafe state.pointee.end = chunk + bytes
        unsafe state.pointee.nextChunkBytes = min(
            state.pointee.nextChunkBytes * 2, Size.largestChunk)
    }

    private func releaseChunks() {
        var chunk = unsafe state.pointee.chunks
        while let current = unsafe chunk {
            unsafe chunk = current.load(as: UnsafeMutableRawPointer?.self)
            unsafe current.deallocate()
        }
    }
}
