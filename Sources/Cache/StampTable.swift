import Synchronization

/// Tells without a lock whether a key may have changed, and whether its shard is calm: counters that
/// only grow, each for all keys whose hashes begin alike, so many in a row for each shard.
///
/// An even stamp says that the shard is not calm. Any thread may read; a shard advances its own under
/// its lock, before the lock shows what has changed.
final class StampTable: Sendable {
    private let stamps = InlineArray<4_096, Atomic<UInt64>> { _ in Atomic(0) }
    private let shift: UInt64

    /// How many each shard of at most 64 has.
    private static let perShard = 64

    init(shards: Int) { shift = UInt64(64 - (shards * Self.perShard).trailingZeroBitCount) }

    /// The stamp of a hash. What a shard did before it advanced to this one is seen by who reads it.
    @inline(__always)
    func stamp(of hash: UInt64) -> UInt64 { stamps[place(hash)].load(ordering: .acquiring) }

    /// Whether a stamp is one of a calm shard.
    @inline(__always)
    static func isCalm(_ stamp: UInt64) -> Bool { stamp & 1 == 1 }

    /// The entry of a hash has changed.
    func advance(_ hash: UInt64) {
        stamps[place(hash)].wrappingAdd(2, ordering: .acquiringAndReleasing)
    }

    /// A shard became calm, or stopped being it.
    func turn(shard: Int) {
        for place in shard * Self.perShard..<(shard + 1) * Self.perShard {
            stamps[place].wrappingAdd(1, ordering: .acquiringAndReleasing)
        }
    }

    @inline(__always)
    private func place(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> shift) }
}

/// The stamps of one shard, for the store of its shared tier.
struct ShardStamps {
    private let table: StampTable
    private let shard: Int
    private var isCalm = false

    init(_ table: StampTable, shard: Int) {
        self.table = table
        self.shard = shard
    }

    func advance(_ hash: UInt64) { table.advance(hash) }

    mutating func set(isCalm: Bool) {
        if self.isCalm == isCalm { return }
        self.isCalm = isCalm
        table.turn(shard: shard)
    }
}
