/// From hashes to slots: open addressing with linear probing, without tombstones.
///
/// Keys are their whole 64-bit hashes; two keys may share one, so whoever looks compares what is in
/// the slot. A value; not safe to share.
struct SlotIndex {
    private struct Place {
        var hash: UInt64 = 0
        /// The slot plus one; 0: free.
        var slot: UInt32 = 0
    }

    private var places: [Place]
    private var mask: Int
    private(set) var count = 0

    init() {
        places = Array(repeating: Place(), count: 16)
        mask = 15
    }

    /// Bytes that each slot costs here, about.
    static let bytesPerSlot = 32

    /// The first slot under this hash for which `matches` holds.
    @inline(__always)
    func find(_ hash: UInt64, where matches: (Int) -> Bool) -> Int? {
        var place = home(hash)
        while true {
            let found = places[place]
            if found.slot == 0 { return nil }
            if found.hash == hash, matches(Int(found.slot) &- 1) { return Int(found.slot) &- 1 }
            place = (place &+ 1) & mask
        }
    }

    /// Adds a slot. That it is not there yet is the caller's care.
    mutating func insert(_ hash: UInt64, _ slot: Int) {
        if (count + 1) * 3 > places.count * 2 { grow() }
        var place = home(hash)
        while places[place].slot != 0 { place = (place &+ 1) & mask }
        places[place] = Place(hash: hash, slot: UInt32(slot + 1))
        count += 1
    }

    /// Puts `other` where `slot` stood.
    mutating func replace(_ hash: UInt64, _ slot: Int, by other: Int) {
        guard let place = place(of: hash, slot) else { return }
        places[place].slot = UInt32(other + 1)
    }

    /// Removes a slot.
    mutating func remove(_ hash: UInt64, _ slot: Int) {
        guard var hole = place(of: hash, slot) else { return }
        count -= 1
        var next = (hole &+ 1) & mask
        // What stands behind the hole and may stand in it moves up, so that no search ends early.
        while places[next].slot != 0 {
            let way = (next &- home(places[next].hash)) & mask
            if way >= (next &- hole) & mask {
                places[hole] = places[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        places[hole] = Place()
    }

    private func place(of hash: UInt64, _ slot: Int) -> Int? {
        var place = home(hash)
        while places[place].slot != 0 {
            if places[place].slot == UInt32(slot + 1) { return place }
            place = (place &+ 1) & mask
        }
        return nil
    }

    /// Shards and samples are chosen by the upper bits.
    @inline(__always)
    private func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & mask }

    private mutating func grow() {
        let old = places
        places = Array(repeating: Place(), count: old.count * 2)
        mask = places.count - 1
        for place in old where place.slot != 0 {
            var new = home(place.hash)
            while places[new].slot != 0 { new = (new &+ 1) & mask }
            places[new] = place
        }
    }
}
