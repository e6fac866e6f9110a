import Coordination

/// The durable subscriptions of all namespaces.
struct SubscriptionTables: Sendable {
    var cells = Slab(vacant: SubscriptionCell.vacant)
    var index: [SubscriptionName: Int32] = [:]
    var subscribers = Slab(vacant: SubscriberCell.vacant)
    /// Targets that want each topic, found as topics come; emptied when subscriptions change.
    var interested: [TopicReference: [Int32]] = [:]
    /// Targets that wait for room in a batch.
    var waiting: [Int32] = []
    /// The newest batch that put or deleted one.
    var changedIn = BatchNumber.none
    /// Targets with progress that nobody acknowledged and that is not stored yet; see
    /// ``CoordinationEngine/passed(_:_:through:)``.
    var skipped: [Int32] = []
    /// Handle of the timer that stores it; -1: none.
    var skipTimer: Int32 = -1
    /// Grows with everything that is begun for a target, so that what comes late is not taken.
    var lastGeneration: UInt32 = 0

    // Rows of the store whose subscription has not come yet.
    var states: [[UInt8]: SubscriberState] = [:]
    var letters: [[UInt8]: [EventDeadLetterMark]] = [:]

    mutating func newGeneration() -> UInt32 {
        lastGeneration &+= 1
        return lastGeneration
    }

    /// Topics whose interested targets are remembered.
    static let maxInterested = 10_000
}

/// One subscription.
struct SubscriptionCell: Sendable {
    var namespace: Namespace
    var definition: SubscriptionDefinition
    var createdMillis: Int64
    var updatedMillis: Int64
    var subscribers: [Int32] = []
    /// The newest batch that changed it.
    var changedIn = BatchNumber.none

    static let vacant = SubscriptionCell(
        namespace: Namespace(""),
        definition: SubscriptionDefinition(name: "", patterns: []), createdMillis: 0,
        updatedMillis: 0)
}

/// One target of a subscription, with what belongs to it but is not stored.
struct SubscriberCell: Sendable {
    var subscription: Int32
    var target: SubscriptionTarget
    var plan: EventPlan
    var machine: SubscriberMachine
    /// The newest batch that changed it.
    var changedIn = BatchNumber.none
    var letters: [EventDeadLetterMark] = []
    /// What was begun last; what comes back with another number is late.
    var generation: UInt32 = 0
    /// Publications are being made ready.
    var isPreparing = false
    /// Made ready, in order; what is out stays until it is done.
    var queue: ArraySlice<EventDelivery> = []
    /// Everything committed up to here is in the queue, done, or not for it.
    var scannedThrough: Int64 = 0
    /// Whether nothing committed is behind that, so that what is published next comes next.
    var isLive = false
    /// Handle of the timer of its wait, or of what is out; -1: none.
    var timer: Int32 = -1
    /// How often in a row it was kept from trying.
    var holds = 0
    /// The dead letter that is out; 0: none.
    var redelivering: Int64 = 0 {
        didSet { if redelivering == 0 { letterOut = nil } }
    }
    /// What is stored of it, to be stored anew should it fail again; `nil`: it is not at hand yet.
    var letterOut: EventDeadLetter?
    /// Whether it stands among ``SubscriptionTables/skipped``.
    var hasSkipped = false
    /// A publication that becomes a dead letter when the store has given it; 0: none.
    var parking: Int64 = 0
    // Streams only.
    var stream: ReplyTicket?
    var flow: UInt32 = 0
    var isHeld = true

    static let vacant = SubscriberCell(
        subscription: -1, target: .stream,
        plan: EventPlan(SubscriptionDefinition(name: "", patterns: []), .stream),
        machine: SubscriberMachine(SubscriberState(acknowledged: 0, knownRemoved: 0)))
}
