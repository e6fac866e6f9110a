import Coordination

/// What somebody wants of a breaker or of the operating mode.
public enum BreakerCommand: Sendable {
    // Durable.
    case put(PutBreaker)
    case delete(Namespace, name: String, by: Signature)
    case force(ForceBreaker)
    case setMode(SetMode)
    case setPlan(Namespace, ModePolicy, EmergencyPlan, by: Signature)
    case acknowledge(Namespace, action: String, number: UInt64, by: Signature)

    // Volatile, but for the changes of state that they cause.
    case permit(Namespace, name: String)
    /// All are taken, or none when one is not what its breaker looks at.
    case report(Namespace, [BreakerReport])
    case get(Namespace, name: String)
    case list(Namespace)
    case getMode(Namespace)
    /// Answers `.snapshot`, then `.changed` and `.deleted` as they are committed.
    case watch(Namespace)
    /// Answers `.mode` now and after each commit that changed it.
    case watchMode(Namespace)
}

extension BreakerCommand {
    /// Whether it needs no room in a batch: it changes nothing that is stored, or only what a
    /// change of state makes it to.
    var isVolatile: Bool {
        switch self {
        case .put, .delete, .force, .setMode, .setPlan, .acknowledge: false
        case .permit, .report, .get, .list, .getMode, .watch, .watchMode: true
        }
    }

    /// Whether it must get through when new work no longer does: what ends a call, and what people
    /// do in need.
    var isVital: Bool {
        switch self {
        case .report, .force, .setMode, .acknowledge: true
        case .put, .delete, .setPlan, .permit, .get, .list, .getMode, .watch, .watchMode: false
        }
    }
}

/// Who changes something, why, and what makes a repeat harmless.
public struct Signature: Sendable, Hashable {
    /// For the audit log; the edge fills in the peer when the caller says nothing.
    public var actor: String
    /// In the person's words; may be empty.
    public var reason: String
    /// Empty: none.
    public var requestID: String

    /// Combines the parts.
    public init(actor: String, reason: String = "", requestID: String = "") {
        self.actor = actor
        self.reason = reason
        self.requestID = requestID
    }

    /// What the audit log says came of it: the change, and the reason if one was given.
    func audited(_ change: String) -> String { reason.isEmpty ? change : "\(change): \(reason)" }
}

/// Puts a breaker. One of the same name keeps its state.
public struct PutBreaker: Sendable {
    /// Where it belongs.
    public var namespace: Namespace
    /// Must have no faults.
    public var definition: BreakerDefinition
    /// Who puts it.
    public var signature: Signature

    /// Combines the parts.
    public init(namespace: Namespace, definition: BreakerDefinition, signature: Signature) {
        self.namespace = namespace
        self.definition = definition
        self.signature = signature
    }
}

/// Forces a breaker into a state, or lets it go.
public struct ForceBreaker: Sendable {
    /// What to do with it.
    public enum Change: Sendable, Hashable {
        /// Lay an override over it, for so long; `nil`: until it is ended.
        case override(BreakerOverride.Kind, forMillis: Int64?)
        /// End the override.
        case release
        /// Close it, whatever it is.
        case reset
    }

    /// Which one.
    public var namespace: Namespace
    public var name: String
    /// What to do with it.
    public var change: Change
    /// Who forces it.
    public var signature: Signature

    /// Combines the parts.
    public init(namespace: Namespace, name: String, change: Change, signature: Signature) {
        self.namespace = namespace
        self.name = name
        self.change = change
        self.signature = signature
    }
}

/// Forces the operating mode, or lets it go.
public struct SetMode: Sendable {
    /// Whose mode.
    public var namespace: Namespace
    /// `nil`: end the override.
    public var mode: OperatingMode?
    /// For so long; `nil`: until it is ended.
    public var forMillis: Int64?
    /// Who sets it.
    public var signature: Signature

    /// Combines the parts.
    public init(
        namespace: Namespace, mode: OperatingMode?, forMillis: Int64?, signature: Signature
    ) {
        self.namespace = namespace
        self.mode = mode
        self.forMillis = forMillis
        self.signature = signature
    }
}

/// What a caller tells a breaker.
public struct BreakerReport: Sendable, Hashable {
    /// How a call went, or what a value is.
    public enum Content: Sendable, Hashable {
        case call(BreakerPermit, CallVerdict, durationNanos: Int64)
        /// Finite.
        case value(Double)
    }

    /// Which breaker.
    public var name: String
    /// What there is to say.
    public var content: Content
    /// Where it stands in its request, such as `report.`, for refusals that name its fields.
    public var place: String

    /// Combines the parts.
    public init(name: String, content: Content, place: String = "") {
        self.name = name
        self.content = content
        self.place = place
    }
}

/// What the engine answers to a ``BreakerCommand``.
public enum BreakerAnswer: Sendable {
    case breaker(BreakerView)
    case breakers([BreakerView])
    case deleted(name: String)
    case permit(PermitDecision, BreakerView)
    /// One for each report; `nil`: there is no such breaker.
    case reported([ReportOutcome?])
    case snapshot([BreakerView])
    case changed(BreakerView)
    case mode(ModeView)
}

/// A breaker as it stands at one moment.
public struct BreakerView: Sendable, Hashable {
    /// What was put.
    public var definition: BreakerDefinition
    /// What it does with calls.
    public var state: BreakerState
    /// Grows with each change of state.
    public var generation: UInt32
    /// What is forced, if anything.
    public var override: BreakerOverride?
    /// Why it opened the last time.
    public var lastTrip: BreakerTrip?
    /// What it has seen.
    public var counts: BreakerCounts
    /// When the state last changed, milliseconds since 1970.
    public var changedMillis: Int64
    /// When it changes by itself, milliseconds since 1970; `nil`: never.
    public var nextChangeMillis: Int64?
    /// The numbers that it decides by; `nil` for a metric breaker.
    public var window: BreakerWindowView?
    /// The value reported last, of a metric breaker.
    public var lastValue: Double?
}

/// The operating mode of a namespace as it stands at one moment.
public struct ModeView: Sendable, Hashable {
    /// Whose mode.
    public var namespace: Namespace
    /// What everybody works by.
    public var mode: OperatingMode
    /// What the breakers make of it, without the override.
    public var automatic: OperatingMode
    /// What is forced, if anything.
    public var override: ModeOverride?
    /// When the mode last changed, milliseconds since 1970.
    public var changedMillis: Int64
    /// Tripped breakers of the severities that count.
    public var openCritical: Int
    public var openHigh: Int
    /// When it changes by itself.
    public var policy: ModePolicy
    /// What an emergency sets in motion.
    public var plan: EmergencyPlan
    /// Actions under way or done.
    public var progress: [EmergencyResponse.Progress]
    /// How many emergencies have begun.
    public var episodes: Int64
}
