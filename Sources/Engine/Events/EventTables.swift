import Coordination
import Store

/// The topics of all namespaces, and who follows them.
struct EventTables: Sendable {
    var spaces: [Namespace: EventSpace] = [:]
    /// Publications that were removed but are still stored, oldest first from `doomedHead` on.
    private var doomed: [PublicationName] = []
    private var doomedHead = 0
    /// Topics of all namespaces.
    var topicCount = 0
    /// Which topic each age timer is about.
    var timers = Slab(vacant: TopicReference(namespace: Namespace(""), topic: ""))
    /// Namespaces that the filling batch publishes in.
    var touched: [Namespace] = []
    /// Whether restored topics wait for the first turn.
    var needsTakingUp = false
    /// Loops that follow a namespace.
    var followerCount = 0

    /// Rows that one batch removes, so that no commit waits long for a topic that is deleted.
    static let removedAtOnce = 2_000

    /// Whether rows wait for a batch that removes them.
    var hasDoomed: Bool { doomedHead < doomed.count }

    mutating func doom(_ sequences: [Int64], in namespace: Namespace) {
        for sequence in sequences {
            doomed.append(PublicationName(namespace: namespace.name, sequence: sequence))
        }
    }

    mutating func takeDoomed() -> [PublicationName] {
        let end = min(doomed.count, doomedHead + Self.removedAtOnce)
        let taken = Array(doomed[doomedHead..<end])
        doomedHead = end
        if doomedHead == doomed.count {
            doomed.removeAll(keepingCapacity: doomedHead <= Self.removedAtOnce)
            doomedHead = 0
        }
        return taken
    }
}

/// The topics of one namespace.
struct EventSpace: Sendable {
    var topics = TopicTable()
    /// The newest batch that changed any.
    var changedIn = BatchNumber.none
    /// Who is told of every publication.
    var followers: [ReplyTicket] = []
    /// What the filling batch publishes.
    var filling: [Publication] = []
    /// The newest sequence on disk.
    var committed: Int64 = 0
}
