import Coordination
import Store

/// A breaker that the engine holds.
struct BreakerCell: Sendable {
    var namespace: Namespace
    /// Never used again, so that a permit of a deleted breaker finds nothing.
    var serial: UInt64
    var breaker: GuardingBreaker
    /// The newest batch that changed it.
    var changedIn = BatchNumber.none
    /// What the last look found, so that changes are noticed.
    var seenGeneration: UInt32
    var wasTripped = false
    /// When it began to refuse calls; 0: it does not.
    var trippedNanos: Int64 = 0
    /// Handle of its timer; -1: none.
    var timer: Int32 = -1
    /// What the metrics know of it.
    var noted = BreakerCounts()
    var isNoted = true
    /// Steps that wait until it lets them through.
    var held = HeldLine()

    static let vacant = BreakerCell(
        namespace: Namespace(""), serial: 0,
        breaker: GuardingBreaker(
            BreakerDefinition(name: "", rules: .metric(MetricPolicy(tripAt: 0, recoverAt: 0))),
            at: EngineTime(monotonicNanos: 0, wallMillis: 0)),
        seenGeneration: 0)
}

/// A step that is scheduled and waits for something other than a slot.
struct HeldStep: Sendable, Hashable {
    var run: Int32
    var step: Int
}

/// The mode of one namespace, with what is not stored of it.
struct ModeCell: Sendable {
    /// Its place in ``BreakerTables/modeNames``.
    var number: Int32
    var state: ModeState
    /// The newest batch that changed it.
    var changedIn = BatchNumber.none
    var timer: Int32 = -1
    var watchers: [ReplyTicket] = []
    var breakerWatchers: [ReplyTicket] = []
    var openCritical = 0
    var openHigh = 0
    /// Steps that wait for another mode.
    var held: Set<HeldStep> = []
    /// Whether the store holds it.
    var isStored = false

    /// Whether somebody follows it or waits for it, or it has been anything but what every namespace
    /// begins with.
    var isUsed: Bool {
        isStored || timer >= 0 || !watchers.isEmpty || !breakerWatchers.isEmpty || !held.isEmpty
            || openCritical > 0 || openHigh > 0
    }
}

/// Leave that a call of the server's own agents holds.
struct HeldPermit: Sendable, Hashable {
    var breaker: Int32
    var serial: UInt64
    var permit: BreakerPermit
}

/// Breakers and modes of the shard.
struct BreakerTables: Sendable {
    var cells = Slab(vacant: BreakerCell.vacant)
    var index: [ScopedName: Int32] = [:]
    var modes: [Namespace: ModeCell] = [:]
    /// By number: small enough for timers and tickets.
    var modeNames: [Namespace] = []
    /// Numbers of modes that are forgotten.
    private var freeModes: [Int32] = []
    /// The modes on disk that are not the normal one: what agents are told.
    var shownModes: [Namespace: OperatingMode] = [:]
    /// Callers that watch breakers or modes.
    var watchers = 0
    /// Breakers that guard an agent type, by namespace and type.
    var guarding: [ScopedName: [Int32]] = [:]
    /// Grows with each change that may make one that guards something say something else.
    var changes: UInt32 = 0
    /// The newest batch that put or deleted one.
    var changedIn = BatchNumber.none
    var lastSerial: UInt64 = 0
    /// Breakers whose counts the metrics do not know yet.
    var unnoted: [Int32] = []
    /// What an earlier process left, until the first turn knows the time.
    var restored: [EntityRow] = []

    /// Work that stands in line asks again. The last number is for work that has not asked.
    mutating func guardsChanged() {
        changes = changes >= UInt32.max - 1 ? 1 : changes + 1
    }

    /// Gives a mode of a namespace its number.
    mutating func insert(_ state: ModeState, _ namespace: Namespace) -> Int32 {
        let number = freeModes.popLast() ?? Int32(modeNames.count)
        if Int(number) == modeNames.count {
            modeNames.append(namespace)
        } else {
            modeNames[Int(number)] = namespace
        }
        modes[namespace] = ModeCell(number: number, state: state)
        return number
    }

    /// Forgets the mode of a namespace that has no breakers, when nobody would find it different.
    mutating func forgetModeIfUnused(_ namespace: Namespace) {
        guard let cell = modes[namespace], !cell.isUsed, count(in: namespace) == 0 else { return }
        modes[namespace] = nil
        freeModes.append(cell.number)
    }

    func names(in namespace: Namespace) -> [String] {
        index.keys.filter { $0.namespace == namespace }.map(\.name).sorted()
    }

    func count(in namespace: Namespace) -> Int {
        index.keys.count { $0.namespace == namespace }
    }
}
