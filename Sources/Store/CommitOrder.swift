import Coordination

/// Keeps the batches of one shard in order, whatever fails: the rule that both stores follow.
///
/// - A batch of an older epoch is fenced.
/// - Numbers of one epoch ascend; gaps are allowed, since an engine may skip empty batches.
/// - After a batch was refused for want of space, later ones are refused too until that one has
///   been handed over again: what is in them may build on it.
struct CommitOrder: Sendable {
    /// The latest claim that this process knows of.
    private(set) var epoch: Epoch
    private var last = BatchNumber.none
    private var refused: BatchNumber?

    /// What to do with a batch.
    enum Admission: Equatable {
        case apply
        case fenced
        case waitsForRefused
        /// A bug of the caller's; the sentence says which.
        case outOfOrder(String)
    }

    /// A shard that has just been claimed.
    init(epoch: Epoch) { self.epoch = epoch }

    /// Looks at a batch that is about to be applied; changes nothing.
    func admits(epoch batchEpoch: Epoch, number: BatchNumber) -> Admission {
        if batchEpoch < epoch { return .fenced }
        if batchEpoch > epoch {
            return .outOfOrder("epoch \(batchEpoch.rawValue) was never claimed here")
        }
        if let refused, refused < number { return .waitsForRefused }
        guard last < number else {
            return .outOfOrder("batch \(number.rawValue) came after batch \(last.rawValue)")
        }
        return .apply
    }

    /// The batch is on disk.
    mutating func committed(_ number: BatchNumber) {
        last = number
        refused = nil
    }

    /// There was no room for the batch.
    mutating func refusedAsFull(_ number: BatchNumber) {
        refused = min(refused ?? number, number)
    }
}
