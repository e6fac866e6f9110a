import CNghttp2

/// Memory for the sessions of one thread, handed to nghttp2 as its `nghttp2_mem` (nghttp2.h).
///
/// nghttp2 asks for several small pieces per stream and gives them back when the stream ends. Those
/// of up to 1 KiB are kept by size, so that the next stream costs no trip to the allocator.
///
/// A pool and all its sessions belong to one thread at a time; a session keeps its pool alive.
@safe
public final class HTTP2SessionPool {
    /// The pieces of one size that wait to be used again; the first word of each points to the next.
    @unsafe private struct Shelf {
        var first: UnsafeMutableRawPointer?
        var count = 0
    }

    /// Every piece begins with its size, in as many bytes as keep the rest aligned.
    private static let headBytes = 16
    /// The sizes kept are the multiples of `step`, of which there are `shelfCount`.
    private static let step = 64
    private static let shelfCount = 16
    /// Pieces of one size that are kept at most: 9 MiB of all sizes together.
    private static let keptPieces = 1024

    private let shelves: UnsafeMutablePointer<Shelf>
    /// What nghttp2 is given; valid as long as the pool.
    let functions: UnsafeMutablePointer<nghttp2_mem>

    /// An empty pool.
    public init() {
        unsafe shelves = .allocate(capacity: Self.shelfCount)
        unsafe shelves.initialize(repeating: Shelf(), count: Self.shelfCount)
        unsafe functions = .allocate(capacity: 1)
        unsafe functions.initialize(
            to: nghttp2_mem(
                mem_user_data: shelves,
                malloc: { size, user in unsafe HTTP2SessionPool.take(size, user) },
                free: { piece, user in unsafe HTTP2SessionPool.giveBack(piece, user) },
                calloc: { count, size, user in
                    unsafe HTTP2SessionPool.takeZeroed(count, size, user)
                },
                realloc: { piece, size, user in
                    unsafe HTTP2SessionPool.resize(piece, size, user)
                }))
    }

    deinit {
        for index in 0..<Self.shelfCount {
            while let piece = unsafe Self.takeKept(shelves + index) {
                unsafe (piece - Self.headBytes).deallocate()
            }
        }
        unsafe shelves.deallocate()
        unsafe functions.deallocate()
    }

    private static func shelf(
        _ size: Int, _ user: UnsafeMutableRawPointer?
    ) -> UnsafeMutablePointer<Shelf>? {
        guard size <= step * shelfCount, let user = unsafe user else { return nil }
        return unsafe user.assumingMemoryBound(to: Shelf.self) + (size - 1) / step
    }

    private static func takeKept(
        _ shelf: UnsafeMutablePointer<Shelf>
    ) -> UnsafeMutableRawPointer? {
        guard let piece = unsafe shelf.pointee.first else { return nil }
        unsafe shelf.pointee.first = piece.load(as: UnsafeMutableRawPointer?.self)
        unsafe shelf.pointee.count -= 1
        return unsafe piece
    }

    private static func take(
        _ size: Int, _ user: UnsafeMutableRawPointer?
    ) -> UnsafeMutableRawPointer? {
        let rounded = (max(size, 1) + step - 1) / step * step
        if let shelf = unsafe shelf(rounded, user), let piece = unsafe takeKept(shelf) {
            return unsafe piece
        }
        let start = UnsafeMutableRawPointer.allocate(
            byteCount: headBytes + rounded, alignment: headBytes)
        unsafe start.storeBytes(of: rounded, as: Int.self)
        return unsafe start + headBytes
    }

    private static func takeZeroed(
        _ count: Int, _ size: Int, _ user: UnsafeMutableRawPointer?
    ) -> UnsafeMutableRawPointer? {
        let (total, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, let piece = unsafe take(total, user) else { return nil }
        unsafe piece.initializeMemory(as: UInt8.self, repeating: 0, count: total)
        return unsafe piece
    }

    private static func giveBack(
        _ piece: UnsafeMutableRawPointer?, _ user: UnsafeMutableRawPointer?
    ) {
        guard let piece = unsafe piece else { return }
        let size = unsafe (piece - headBytes).load(as: Int.self)
        guard let shelf = unsafe shelf(size, user), unsafe shelf.pointee.count < keptPieces else {
            return unsafe (piece - headBytes).deallocate()
        }
        unsafe piece.storeBytes(of: shelf.pointee.first, as: UnsafeMutableRawPointer?.self)
        unsafe shelf.pointee.first = unsafe piece
        unsafe shelf.pointee.count += 1
    }

    private static func resize(
        _ piece: UnsafeMutableRawPointer?, _ size: Int, _ user: UnsafeMutableRawPointer?
    ) -> UnsafeMutableRawPointer? {
        guard let piece = unsafe piece else { return unsafe take(size, user) }
        let old = unsafe (piece - headBytes).load(as: Int.self)
        if size <= old { return unsafe piece }
        guard let larger = unsafe take(size, user) else { return nil }
        unsafe larger.copyMemory(from: piece, byteCount: old)
        unsafe giveBack(piece, user)
        return unsafe larger
    }
}
