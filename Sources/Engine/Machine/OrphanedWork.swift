import Coordination

/// Which steps remote instances worked on when the last process ended, until each is claimed by its
/// holder or lost.
struct OrphanedWork: Sendable {
    private var holders: [UInt64: AgentID] = [:]
    private var tokens: [AgentID: Set<UInt64>] = [:]

    /// What an instance held, in the order of the dispatch.
    func tokens(of holder: AgentID) -> [UInt64] { tokens[holder]?.sorted() ?? [] }

    mutating func add(_ token: UInt64, of holder: AgentID) {
        holders[token] = holder
        tokens[holder, default: []].insert(token)
    }

    /// It is claimed, or lost, or nobody waits for it any more.
    mutating func remove(_ token: UInt64) {
        guard let holder = holders.removeValue(forKey: token) else { return }
        tokens[holder]?.remove(token)
        if tokens[holder]?.isEmpty == true { tokens[holder] = nil }
    }
}
