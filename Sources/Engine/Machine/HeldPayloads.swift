import Coordination

/// Starts and results whose payloads are being held against a contract, and starts that wait for the
/// store. In memory only: nobody has
/// been told anything of them yet.
struct HeldPayloads: Sendable {
    /// By who waits for the answer.
    private(set) var starts: [ReplyTicket: HeldStart] = [:]
    /// Bytes of the inputs of those.
    private(set) var startBytes = 0
    /// By what was dispatched; as many at most as instances have slots.
    var results: [AssignmentToken: HeldResult] = [:]
    /// Workflow ids whose last run the store is asked for, and the starts that wait behind.
    var lookups: [ScopedName: [ReplyTicket]] = [:]

    mutating func keep(_ start: StartRun, _ planID: PayloadID?, _ ticket: ReplyTicket) {
        starts[ticket] = HeldStart(start: start, planID: planID)
        startBytes += start.input.bytes.count
    }

    @discardableResult
    mutating func drop(_ ticket: ReplyTicket) -> HeldStart? {
        guard let held = starts.removeValue(forKey: ticket) else { return nil }
        startBytes -= held.start.input.bytes.count
        return held
    }
}

/// A start whose input is being looked at.
struct HeldStart: Sendable {
    var start: StartRun
    /// The definition whose contract it is held against, or is known to fit; `nil`: none.
    var planID: PayloadID?
}

/// A result whose output is being looked at.
struct HeldResult: Sendable {
    var result: AssignmentResult
    /// The connection it came from; `nil`: from an instance in this process.
    var port: PortNumber?
}
