import NIOCore

/// Gives every connection of a loop the same 64 KiB buffer to read into, so that an idle connection
/// keeps none.
///
/// The bytes must be used up during `channelRead`, and reads come one at a time
/// (`maxMessagesPerRead` is 1). NIO's pool keeps the first buffer an allocator makes for its
/// channel, so that one is small; the later ones are the loop's. Storage still in use elsewhere is
/// never written: `ByteBuffer` is copy on write.
final class LoopReceiveBuffer {
    static let bytes = 64 << 10
    private var buffer: ByteBuffer?

    /// The loop's buffer, empty.
    func take(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        guard var taken = buffer.take() else { return allocator.buffer(capacity: Self.bytes) }
        taken.clear()
        return taken
    }

    /// Gives the storage back after the bytes have been used.
    func giveBack(_ used: ByteBuffer) {
        guard used.capacity >= Self.bytes, used.capacity <= 2 * Self.bytes else { return }
        buffer = used
    }
}

/// The allocator that puts `LoopReceiveBuffer` into a channel.
struct LoopReceiveAllocator: RecvByteBufferAllocator, @unchecked Sendable {
    // Sendable is true: NIO uses a channel's allocator on the channel's loop only, and the loop's
    // buffer is reached from nowhere else.
    let loopBuffer: LoopReceiveBuffer
    private var hasRead = false

    init(_ loopBuffer: LoopReceiveBuffer) {
        self.loopBuffer = loopBuffer
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        hasRead ? loopBuffer.take(allocator) : allocator.buffer(capacity: 256)
    }

    func nextBufferSize() -> Int? { nil }

    mutating func record(actualReadBytes: Int) -> Bool {
        hasRead = true
        return true
    }
}
