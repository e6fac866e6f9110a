/// Carries an ``EmergencyPlan`` out: once for each emergency, and undoes it afterwards.
///
/// Each action is either wanted or not; an order asks for the one or the other under its own number
/// and is given again, ever more slowly, until it is acknowledged under that number. A late
/// acknowledgement of an older order is refused: it says nothing about the present one.
public struct EmergencyResponse: Sendable, Hashable {
    /// What is asked of whoever carries actions out.
    public struct Order: Sendable, Hashable {
        /// Grows; names this order in the acknowledgement.
        public var number: UInt64
        /// Which action.
        public var action: String
        /// Whether to undo it instead of doing it.
        public var isUndo: Bool
        /// How often it was given, this time included.
        public var attempt: Int
    }

    /// Where one action stands.
    public struct Progress: Sendable, Hashable {
        /// The action of the plan that was in force when its order was first given.
        public var action: EmergencyAction
        /// The order in force.
        public var number: UInt64
        /// Whether that order undoes.
        public var isUndo: Bool
        /// How often it was given.
        public var attempts: Int
        /// Whether it is done.
        public var isAcknowledged: Bool
        /// When it is given again; monotonic.
        var nextNanos: Int64
    }

    /// What became of an acknowledgement.
    public enum Acknowledgement: Sendable, Hashable {
        case taken
        /// It was acknowledged before; nothing changes.
        case repeated
        /// Another order is in force by now.
        case stale
        /// There is no such action under way.
        case unknown
    }

    /// Every action under way or done, in the order of the plan.
    public internal(set) var progress: [Progress] = []
    /// The number of the newest order.
    public internal(set) var lastNumber: UInt64 = 0
    /// How many emergencies have begun.
    public internal(set) var episodes: Int64 = 0

    /// Nothing under way.
    public init() {}

    /// Whether something waits to be acknowledged.
    public var isPending: Bool { progress.contains { !$0.isAcknowledged } }

    /// An emergency begins: everything in the plan is asked for, at once.
    public mutating func entered(_ plan: EmergencyPlan, at now: EngineTime) -> [Order] {
        episodes += 1
        let leftovers = progress.filter { old in
            old.isUndo && !old.isAcknowledged
                && !plan.actions.contains { $0.name == old.action.name }
        }
        progress = leftovers
        for action in plan.actions {
            lastNumber += 1
            progress.append(
                Progress(
                    action: action, number: lastNumber, isUndo: false, attempts: 0,
                    isAcknowledged: false, nextNanos: now.monotonicNanos))
        }
        return due(plan, at: now)
    }

    /// The emergency is over: whatever was asked for, done or maybe done, is undone.
    public mutating func left(_ plan: EmergencyPlan, at now: EngineTime) -> [Order] {
        progress.removeAll { !$0.isUndo && ($0.attempts == 0 || !$0.action.needsUndo) }
        for index in progress.indices where !progress[index].isUndo {
            lastNumber += 1
            progress[index].number = lastNumber
            progress[index].isUndo = true
            progress[index].attempts = 0
            progress[index].isAcknowledged = false
            progress[index].nextNanos = now.monotonicNanos
        }
        return due(plan, at: now)
    }

    /// The orders that must be given (again) now.
    public mutating func due(_ plan: EmergencyPlan, at now: EngineTime) -> [Order] {
        let backoff = Backoff(
            initialMillis: plan.retryMillis, factor: 2, maxMillis: plan.maxRetryMillis, jitter: 0)
        var orders: [Order] = []
        for index in progress.indices
        where !progress[index].isAcknowledged && progress[index].nextNanos <= now.monotonicNanos {
            progress[index].attempts += 1
            let wait = backoff.delayMillis(times: progress[index].attempts, random: 0)
            progress[index].nextNanos = now.nanos(inMillis: wait)
            orders.append(progress[index].order)
        }
        return orders
    }

    /// Somebody says that an order is carried out. A finished undo leaves the list.
    public mutating func acknowledged(
        _ action: String, number: UInt64, of plan: EmergencyPlan
    ) -> Acknowledgement {
        guard let index = progress.firstIndex(where: { $0.action.name == action }) else {
            let wasOrdered = number > 0 && number <= lastNumber
            let isPlanned = plan.actions.contains { $0.name == action }
            return wasOrdered && isPlanned ? .stale : .unknown
        }
        if progress[index].number != number { return .stale }
        if progress[index].isAcknowledged { return .repeated }
        progress[index].isAcknowledged = true
        if progress[index].isUndo { progress.remove(at: index) }
        return .taken
    }

    /// When ``due(_:at:)`` has something to give; `nil`: never.
    public var nextDeadlineNanos: Int64? {
        progress.lazy.filter { !$0.isAcknowledged }.map(\.nextNanos).min()
    }

    /// After a restart everything that is not acknowledged is asked for at once.
    public mutating func resumed(at now: EngineTime) {
        for index in progress.indices { progress[index].nextNanos = now.monotonicNanos }
    }
}

extension EmergencyAction {
    /// An action that somebody outside carries out is theirs to undo as well.
    var needsUndo: Bool { undo != nil || apply == nil }
}

extension EmergencyResponse.Progress {
    /// The order in force.
    public var order: EmergencyResponse.Order {
        EmergencyResponse.Order(
            number: number, action: action.name, isUndo: isUndo, attempt: attempts)
    }

    /// What the server itself does for it; `nil`: somebody who watches does it.
    public var call: EmergencyAction.Call? { isUndo ? action.undo : action.apply }
}
