import CNghttp2

/// What the session knows of one stream. The record's index is the stream's slot.
struct StreamRecord {
    /// 0 when the slot is free.
    var id: Int32 = 0
    /// The peer has sent END_STREAM.
    var remoteEnded = false
    /// Headers of this side have been submitted.
    var hasHeaders = false
    /// Nothing more will be queued; trailers or END_STREAM follow the queue.
    var localEnded = false
    /// nghttp2 asked for data while the queue was empty and waits for `resume_data`.
    var isDeferred = false
    /// A RST_STREAM came from the peer.
    var resetByPeer = false
    /// This side's user asked for a RST_STREAM.
    var resetBySelf = false
    /// A frame of the peer broke the rules, and was charged as the stream's early end.
    var isCharged = false
    /// RST_STREAM(NO_ERROR) follows this side's END_STREAM, because the peer has not ended yet.
    var resetsAfterEnd = false
    /// `writable` is due when the queue has been worked down.
    var wantsWritable = false
    /// Sent after the queue; nil ends the stream by a flag on the last DATA frame.
    var trailers: (block: HTTP2HeaderBlock, fields: HTTP2Fields)?
    /// The queue's first chunk, how much of it is gone, and the rest. Most calls have one chunk.
    var chunk: [UInt8] = []
    var chunkOffset = 0
    /// Chunks before `laterStart` are gone; they are cut off half of the array at a time, so that a
    /// long queue is not moved up for each of them.
    var laterChunks: [[UInt8]] = []
    var laterStart = 0
    /// The trailers were submitted without waiting for the queue, which is dropped.
    var endsApart = false
    /// How the peer lets the queue go.
    var watch = ProgressWatch()
    /// Bytes in the queue.
    var queuedBytes = 0
    /// Bytes of the chunks in memory; a chunk of which most is gone is there as a whole.
    var heldBytes = 0

    mutating func enqueue(_ bytes: consuming [UInt8]) {
        queuedBytes += bytes.count
        heldBytes += bytes.count
        if chunkOffset == chunk.count && laterChunks.isEmpty {
            chunk = bytes
            chunkOffset = 0
        } else {
            laterChunks.append(bytes)
        }
    }

    /// Copies up to `capacity` queued bytes to `target`; returns how many.
    mutating func dequeue(into target: UnsafeMutablePointer<UInt8>, capacity: Int) -> Int {
        var copied = 0
        while copied < capacity {
            if chunkOffset == chunk.count {
                guard !laterChunks.isEmpty else { break }
                takeLaterChunk()
            }
            let count = min(capacity - copied, chunk.count - chunkOffset)
            unsafe chunk.withUnsafeBufferPointer { source in
                if let base = source.baseAddress {
                    unsafe (target + copied).update(from: base + chunkOffset, count: count)
                }
            }
            copied += count
            chunkOffset += count
        }
        queuedBytes -= copied
        watch.movedBytes += copied
        if chunkOffset == chunk.count { dropChunk() }
        return copied
    }

    private mutating func dropChunk() {
        heldBytes -= chunk.count
        chunk = []
        chunkOffset = 0
    }

    /// Makes the next of the later chunks, of which there must be one, the first.
    private mutating func takeLaterChunk() {
        dropChunk()
        swap(&chunk, &laterChunks[laterStart])
        laterStart += 1
        if laterStart * 2 >= laterChunks.count {
            laterChunks.removeFirst(laterStart)
            laterStart = 0
        }
    }

    mutating func dropQueue() {
        chunk = []
        chunkOffset = 0
        laterChunks = []
        laterStart = 0
        queuedBytes = 0
        heldBytes = 0
    }
}

/// Why a session is given up by this side, and what the peer is told.
struct HTTP2Violation {
    let code: HTTP2ErrorCode
    let reason: String
}

/// Everything nghttp2's callbacks touch.
///
/// It lives behind one pointer, which is the callbacks' user data: no reference counting and no
/// exclusivity checks on the way of each frame. Only the session's owner and, inside its calls,
/// the callbacks use it.
@safe
struct HTTP2SessionState: ~Copyable {
    let isServer: Bool
    let options: HTTP2Options
    /// The batch being filled; swapped in for the time of a call.
    var batch = HTTP2Events()
    /// The input of the current `receive`.
    var input: UnsafeRawBufferPointer = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    var now: UInt64 = 0

    var streams = StreamTable()
    /// The stream that was looked up last: the frames of a request mostly come together.
    var latest = HTTP2Stream(id: 0, slot: 0)
    var freeSlots: [Int32] = []
    /// Slots of streams whose `closed` event is in a batch the owner may still be working through:
    /// the owner finds calls by slot, so these are given out again only after the next input.
    var closedSlots: [Int32] = []
    var openStreams = 0

    /// The header block being received, and how large it is as RFC 9113 section 6.5.2 counts.
    var block = ReceivedBlock()
    var blockBytes = 0
    let blockLimit: Int
    /// Where the newest block of this batch lies; the same block coming again is not stored twice.
    var latestBlock = 0..<0

    /// Set by a callback that gave up; the rest of the input is not looked at.
    var violation: HTTP2Violation?
    /// Slots whose queue is empty and whose trailers are due.
    var slotsAwaitingTrailers: [Int32] = []
    /// Streams whose RST_STREAM is due, and with which code.
    var streamsAwaitingReset: [(id: Int32, code: HTTP2ErrorCode)] = []
    /// How many records have `resetsAfterEnd`; keeps the common case from looking.
    var resetsAfterEndCount = 0
    /// The PING that follows the first GOAWAY was answered.
    var shutdownPingAnswered = false
    /// A GOAWAY with a reason has gone: nothing follows it.
    var hasEnded = false
    /// What the peer's last GOAWAY said.
    var peerReason = ""
    /// Bytes that the queues of all streams hold.
    private(set) var heldBytes = 0
    /// How the peer lets the queues of all streams go.
    var watch = ProgressWatch()

    var opened = OpenedStreams()
    var peerResets: TokenBucket
    var earlyEnds: TokenBucket
    var pings: TokenBucket
    var progress: ProgressBudget

    init(isServer: Bool, options: HTTP2Options) {
        self.isServer = isServer
        self.options = options
        blockLimit = Int(options.maxHeaderListBytes)
        peerResets = TokenBucket(
            burst: options.peerResetBurst, perSecond: options.peerResetsPerSecond)
        earlyEnds = TokenBucket(burst: options.earlyEndBurst, perSecond: options.earlyEndsPerSecond)
        pings = TokenBucket(burst: options.pingBurst, perSecond: options.pingsPerSecond)
        progress = ProgressBudget(
            limit: options.idleFrameBudget, perSecond: options.idleFramesPerSecond)
    }

    /// Appends to a stream's queue.
    mutating func enqueue(_ bytes: consuming [UInt8], slot: Int32) {
        heldBytes += bytes.count
        unsafe streams[slot].pointee.enqueue(bytes)
    }

    /// Copies up to `capacity` bytes of a stream's queue to `target`; returns how many.
    mutating func dequeue(
        _ slot: Int32, into target: UnsafeMutablePointer<UInt8>, capacity: Int
    ) -> Int {
        let record = unsafe streams[slot]
        let held = unsafe record.pointee.heldBytes
        let copied = unsafe record.pointee.dequeue(into: target, capacity: capacity)
        unsafe heldBytes -= held - record.pointee.heldBytes
        watch.movedBytes += copied
        return copied
    }

    /// Forgets what is queued on a stream.
    mutating func dropQueue(_ slot: Int32) {
        unsafe heldBytes -= streams[slot].pointee.heldBytes
        unsafe streams[slot].pointee.dropQueue()
    }

    /// Takes a slot for a new stream.
    mutating func open(id: Int32) -> Int32 {
        openStreams += 1
        let slot = freeSlots.popLast() ?? streams.appendSlot()
        unsafe streams[slot].pointee.id = id
        latest = HTTP2Stream(id: id, slot: slot)
        return slot
    }

    /// Gives a slot back.
    mutating func close(slot: Int32) {
        openStreams -= 1
        if unsafe streams[slot].pointee.resetsAfterEnd { resetsAfterEndCount -= 1 }
        unsafe heldBytes -= streams[slot].pointee.heldBytes
        unsafe streams[slot].pointee = StreamRecord()
        closedSlots.append(slot)
    }

    /// A new batch begins, so the owner is done with the last one.
    mutating func batchBegins() {
        latestBlock = 0..<0
        guard !closedSlots.isEmpty else { return }
        freeSlots.append(contentsOf: closedSlots)
        closedSlots.removeAll(keepingCapacity: true)
    }

    /// True when the handle's stream still has its slot.
    func isOpen(_ stream: HTTP2Stream) -> Bool {
        unsafe stream.slot >= 0 && stream.slot < streams.count
            && streams[stream.slot].pointee.id == stream.id
    }
}
