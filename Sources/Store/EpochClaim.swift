import Coordination

extension Epoch {
    /// The epoch of a new claim: above the last one, and not below the wall clock's seconds, so
    /// that a store restored from a backup does not give one out again.
    ///
    /// - Throws: `.failed` when the 31 bits are used up, which takes a wall clock beyond 2038.
    static func claimed(after last: Epoch?, wallMillis: Int64) throws(StoreError) -> Epoch {
        let following = Int64(last?.rawValue ?? 0) + 1
        let next = max(following, wallMillis / 1000)
        guard let value = Int32(exactly: next) else {
            throw StoreError(
                .failed,
                "no epoch is left after \(following - 1) at wall clock \(wallMillis) ms. "
                    + "Check the clock of this machine")
        }
        return Epoch(rawValue: UInt32(value))
    }
}
