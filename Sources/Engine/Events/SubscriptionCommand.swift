import Coordination

/// What somebody wants of durable subscriptions.
public enum SubscriptionCommand: Sendable {
    /// Makes a subscription or changes it; targets that stay go on from where they are.
    case put(Namespace, SubscriptionDefinition, by: Signature)
    /// One subscription.
    case get(SubscriptionName)
    /// Subscriptions of a namespace by ascending name, behind `after`.
    case list(Namespace, after: String?, limit: Int)
    /// Takes one away with its dead letters.
    case delete(SubscriptionName, by: Signature)
    /// A stream reads from now on: answers `.attached`, then what the stream is to do.
    case attach(SubscriptionName)
    /// What a stream has sent to its reader.
    case sent(SubscriptionName, SentEvents)
    /// A reader is done with everything up to a sequence.
    case acknowledge(SubscriptionName, sequence: Int64)
    /// A reader could not do a publication.
    case refuse(SubscriptionName, sequence: Int64, StepFailure, requestID: String)
    /// Delivers a dead letter again, or gives it up. `target` empty: the only one.
    case requeue(
        SubscriptionName, target: String, sequence: Int64, isDiscarded: Bool, by: Signature)
    /// An agent has answered for the target in this cell.
    case agentAnswered(EventCall, AgentDelivery)

    /// Whether it changes nothing that is stored.
    var isVolatile: Bool {
        switch self {
        case .get, .list, .attach, .sent: true
        case .put, .delete, .acknowledge, .refuse, .requeue, .agentAnswered: false
        }
    }

    /// Whether a full disk or backlog refuses it.
    var isNewWork: Bool {
        if case .put = self { true } else { false }
    }

    /// Whether it belongs to something that is open already.
    var isVital: Bool {
        switch self {
        case .put, .get, .list, .attach: false
        case .delete, .sent, .acknowledge, .refuse, .requeue, .agentAnswered: true
        }
    }
}

/// Names a subscription.
public struct SubscriptionName: Sendable, Hashable {
    /// Where it belongs.
    public var namespace: Namespace
    /// Its name there.
    public var name: String

    /// Combines the parts.
    public init(namespace: Namespace, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// By the bytes of the name.
    public static func == (a: Self, b: Self) -> Bool {
        a.namespace == b.namespace && a.name.hasSameBytes(as: b.name)
    }

    /// By the bytes of the name.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(namespace)
        hasher.combine(bytesOf: name)
    }
}

/// What a stream has sent to its reader.
public struct SentEvents: Sendable, Hashable {
    /// Under which order of the engine, see ``StreamOrder``.
    public var flow: UInt32
    /// Publications, ascending.
    public var sequences: [Int64]
    /// There was nothing else for it up to here.
    public var through: Int64
    /// What had been removed before; 0 and 0: nothing.
    public var gapFrom: Int64 = 0
    public var gapThrough: Int64 = 0

    /// Combines the parts.
    public init(flow: UInt32, sequences: [Int64], through: Int64) {
        self.flow = flow
        self.sequences = sequences
        self.through = through
    }
}

/// A call of an agent for a target.
public struct EventCall: Sendable, Hashable {
    var cell: Int32
    var generation: UInt32

    init(cell: Int32, generation: UInt32) {
        self.cell = cell
        self.generation = generation
    }

    /// From the number of a ticket.
    init(call: UInt64) {
        cell = Int32(truncatingIfNeeded: call & 0x7fff_ffff)
        generation = UInt32(truncatingIfNeeded: call >> 32)
    }

    /// As the number of a ticket.
    var call: UInt64 { UInt64(generation) << 32 | UInt64(cell) }
}

/// How an agent took a publication.
public enum AgentDelivery: Sendable {
    case done
    case failed(StepFailure)
    case refused(Rejection)
}

/// What the engine tells the stream of a subscription.
public enum StreamOrder: Sendable {
    /// Send nothing more until told to go on.
    case hold
    /// Go on with this sequence, under a new number; the publication that failed before, if any, and
    /// how often.
    case resume(flow: UInt32, from: Int64, failing: Int64, failures: Int)
    /// Everything up to here is done: there is room for more.
    case acknowledged(Int64)
    /// Send this dead letter alone.
    case redeliver(Publication, attempt: Int)
}

/// What the engine answers about subscriptions.
public enum SubscriptionAnswer: Sendable {
    /// To `.put`: whether anything changed.
    case put(SubscriptionView, changed: Bool)
    /// To `.get`.
    case one(SubscriptionView)
    /// To `.list`; whether more follow.
    case list([SubscriptionView], more: Bool)
    /// To `.delete`.
    case deleted
    /// To `.attach`; orders follow, beginning with `.resume` as soon as it may send.
    case attached(AttachedStream)
    /// After `.attached`.
    case order(StreamOrder)
    /// To `.acknowledge`: everything up to here is done.
    case acknowledged(Int64)
    /// To `.refuse`: everything up to here is done; when it comes again, 0: it is a dead letter.
    case refused(acknowledged: Int64, isDeadLetter: Bool, nextMillis: Int64)
    /// To `.requeue`.
    case requeued
}

/// What a stream must know.
public struct AttachedStream: Sendable, Hashable {
    /// Which publications it is for.
    public var patterns: [TopicPattern]
    public var filter: String
    /// Everything up to here is done.
    public var acknowledged: Int64
    /// What was removed up to here is no gap.
    public var knownRemoved: Int64
}

/// One subscription as it stands.
public struct SubscriptionView: Sendable {
    /// What was put.
    public var definition: SubscriptionDefinition
    /// When it was made and changed, milliseconds since 1970.
    public var createdMillis: Int64
    public var updatedMillis: Int64
    /// One for each target, in order.
    public var targets: [SubscriberView]
}

/// One target as it stands.
public struct SubscriberView: Sendable {
    /// Its name.
    public var name: String
    /// How far it is.
    public var state: SubscriberState
    /// Publications of its topics that are not done, at most 100,000 counted.
    public var lag: Int
    /// Dead letters that wait.
    public var deadLetters: Int
    /// Whether a stream is open for it.
    public var isConnected: Bool
}
