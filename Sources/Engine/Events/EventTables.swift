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
    /// Namespaces that the filling batch publishes in, or removes from.
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

    /// A topic lets publications go, ascending: those who follow are told with the filling batch.
    mutating func remove(_ sequences: [Int64], of topic: String, in namespace: Namespace) {
        guard let newest = sequences.last else { return }
        doom(sequences, in: namespace)
        guard spaces[namespace]?.followers.isEmpty == false else { return }
        touch(namespace)
        spaces[namespace]?.removing[topic] = newest
    }

    /// The filling batch has something for those who follow a namespace.
    mutating func touch(_ namespace: Namespace) {
        let isTouched =
            spaces[namespace].map { !$0.filling.isEmpty || !$0.removing.isEmpty } ?? false
        if !isTouched { touched.append(namespace) }
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
    /// Up to where the filling batch removes publications of each topic.
    var removing: [String: Int64] = [:]
    /// The newest sequence on disk.
    var committed: Int64 = 0
}
