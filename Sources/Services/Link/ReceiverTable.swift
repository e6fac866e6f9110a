/// Who waits for an answer, by the number of the call: a slot, and how often it was used before.
///
/// A value of its own, so that its owner, a class, is entered once for an operation instead of once
/// for each property that the operation touches.
struct ReceiverTable {
    private struct Slot {
        var generation: UInt32 = 0
        var staysOpen = false
        var receiver: EngineLink.Receiver?
    }

    private var slots: [Slot] = []
    private var free: [Int] = []

    /// Gives the receiver a number.
    ///
    /// - Parameter staysOpen: whether more than one answer will come.
    mutating func open(_ receiver: @escaping EngineLink.Receiver, staysOpen: Bool) -> UInt64 {
        let index = free.popLast() ?? addSlot()
        slots[index].receiver = receiver
        slots[index].staysOpen = staysOpen
        return UInt64(slots[index].generation) << 32 | UInt64(index)
    }

    /// Who gets an answer to this call; `nil` when it is gone. Its slot is free then, unless more
    /// answers are to come.
    mutating func take(_ call: UInt64) -> EngineLink.Receiver? {
        guard let index = index(of: call) else { return nil }
        if slots[index].staysOpen { return slots[index].receiver }
        return release(index)
    }

    /// Who gets the answer instead; false when the call was gone already.
    mutating func replace(_ call: UInt64, _ receiver: @escaping EngineLink.Receiver) -> Bool {
        guard let index = index(of: call) else { return false }
        slots[index].receiver = receiver
        return true
    }

    /// Forgets the call; false when it was gone already.
    mutating func close(_ call: UInt64) -> Bool {
        guard let index = index(of: call) else { return false }
        _ = release(index)
        return true
    }

    private mutating func addSlot() -> Int {
        slots.append(Slot())
        return slots.count - 1
    }

    private func index(of call: UInt64) -> Int? {
        let index = Int(truncatingIfNeeded: call & 0xffff_ffff)
        guard index < slots.count, slots[index].receiver != nil,
            slots[index].generation == UInt32(truncatingIfNeeded: call >> 32)
        else { return nil }
        return index
    }

    private mutating func release(_ index: Int) -> EngineLink.Receiver? {
        slots[index].generation &+= 1
        free.append(index)
        return slots[index].receiver.take()
    }
}
