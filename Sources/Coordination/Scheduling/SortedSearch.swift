extension RandomAccessCollection where Index == Int {
    /// Where what is looked for stands, or would stand, in a sorted collection: the first index whose
    /// element is not before it, `endIndex` when all are. O(log n) calls of `isBefore`, which must
    /// hold for the first elements and for none behind them.
    @inlinable
    public func sortedIndex(where isBefore: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
