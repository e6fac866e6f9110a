/// Who gets an event: definitions that start a run with it, and steps that wait for its type.
///
/// Steps are named by a number of the caller's; the order of receivers is that of listening.
public struct EventRouter: Sendable {
    private struct Topic: Hashable {
        var namespace: Namespace
        var type: String
    }

    /// Who gets one event.
    public struct Receivers: Sendable, Hashable {
        /// Definitions, by name.
        public var definitions: [String] = []
        public var listeners: [Listener] = []

        /// Nobody.
        public init() {}
    }

    /// A step that waits.
    public struct Listener: Sendable, Hashable {
        /// The caller's numbers for run and step.
        public var run: Int32
        public var step: Int

        /// Names the step.
        public init(run: Int32, step: Int) {
            self.run = run
            self.step = step
        }
    }

    private var triggers: [Topic: [String]] = [:]
    private var listeners: [Topic: [Listener: UInt64]] = [:]
    private var lastListened: UInt64 = 0
    private var triggersOf: [Namespace: [String: [String]]] = [:]

    /// Nobody wants anything.
    public init() {}

    /// From now on these types, and no others, start runs of a definition.
    public mutating func setTriggers(
        of definition: String, _ types: [String], in namespace: Namespace
    ) {
        for type in triggersOf[namespace]?[definition] ?? [] {
            let topic = Topic(namespace: namespace, type: type)
            triggers[topic]?.removeAll { $0 == definition }
            if triggers[topic]?.isEmpty == true { triggers[topic] = nil }
        }
        triggersOf[namespace, default: [:]][definition] = types.isEmpty ? nil : types
        for type in types {
            let topic = Topic(namespace: namespace, type: type)
            if triggers[topic]?.contains(definition) != true {
                triggers[topic, default: []].append(definition)
            }
        }
    }

    /// A step waits for events of a type.
    public mutating func listen(_ listener: Listener, to type: String, in namespace: Namespace) {
        lastListened += 1
        let topic = Topic(namespace: namespace, type: type)
        listeners[topic, default: [:]][listener] = lastListened
    }

    /// A step waits no more.
    public mutating func stop(_ listener: Listener, type: String, in namespace: Namespace) {
        let topic = Topic(namespace: namespace, type: type)
        listeners[topic]?[listener] = nil
        if listeners[topic]?.isEmpty == true { listeners[topic] = nil }
    }

    /// Who gets an event published now.
    public func receivers(of type: String, in namespace: Namespace) -> Receivers {
        let topic = Topic(namespace: namespace, type: type)
        var receivers = Receivers()
        receivers.definitions = triggers[topic] ?? []
        receivers.listeners =
            (listeners[topic] ?? [:]).sorted { $0.value < $1.value }.map(\.key)
        return receivers
    }
}
