/// The agent instances that live now: which types there are, who has free slots, who waits.
///
/// Volatile: filled again by the instances after a restart. Work is named by the caller's own
/// small numbers. Types, instances and lines are dense indices, so that giving out a slot builds
/// nothing and hashes nothing.
public struct AgentPool: Sendable {
    /// Priorities run from 1 (first) to this (last).
    public static let lowestPriority = 5

    private struct TypeEntry {
        var name: String
        /// What the instances that are alive can do, or the last one could.
        var operations = TypeOperations()
        var alive = 0
        /// Whether an instance of it has ever joined.
        var isKnown = false
        /// Instances with a free slot, least loaded first, then the one idle longest.
        var free = IndexedHeap<Int32>()
        var lines: [Int32] = []
        var waiting = 0
        /// How much may wait; `nil`: as much as for every type.
        var maxWaiting: Int?
    }

    private struct AgentEntry {
        var registration: AgentRegistration
        var port: Int
        var type: Int32
        var inFlight = 0
        /// How much it has shown room for; ``unmeasured`` when it named its slots.
        var room = AgentPool.unmeasured
        /// Fewer slots than it has, while the failure isolator says so.
        var limit = Int.max
        var slots: Int { min(registration.slots, limit) }
        /// Whether it is leaving and gets nothing more.
        var isClosed = false
        /// Why it gets nothing for now.
        var holds: AgentHold = []
        /// Its session, if it is remote; -1: it lives in this process.
        var session: Int32 = -1
        var heapHandle: Int32 = -1
        /// 1: among equally loaded instances the one idle longest comes first; -1: the one used last.
        var order: Int64 = 1
        var line: Int32
        var completed: Int64 = 0
        var failed: Int64 = 0
        var busyNanos: Int64 = 0

        static let vacant = AgentEntry(
            registration: AgentRegistration(id: AgentID(""), type: "", operations: []), port: -1,
            type: -1, line: -1)
    }

    private var types: [TypeEntry] = []
    private var typeIndex: [String: Int32] = [:]
    private var agents = Slab(vacant: AgentEntry.vacant)
    private var agentIndex: [AgentID: Int32] = [:]
    /// One ring per type and priority, and one per instance.
    private var lines = FairLines()
    /// Which instance last worked under a key of callers'; soft, so that collisions do no harm.
    private var affinity: [UInt64: Int32] = [:]
    /// Grows with each slot given or freed: the tie-break among equally loaded instances.
    private var uses: Int64 = 0
    private let maxWaiting: Int

    /// An empty pool.
    ///
    /// - Parameter maxWaiting: how much work may wait per type; default 10,000.
    public init(maxWaiting: Int = 10_000) { self.maxWaiting = maxWaiting }

    /// How many instances live.
    public var agentCount: Int { agents.count }
    /// How much work waits, over all types.
    public var waitingCount: Int { types.reduce(0) { $0 + $1.waiting } }
    /// Names of the types that have ever joined, in order of the alphabet.
    public var knownTypes: [String] { types.filter(\.isKnown).map(\.name).sorted() }

    // MARK: Types

    /// The index of a type that somebody joined or asked for.
    public func type(named name: String) -> Int32? { typeIndex[name] }

    /// The index of a type, made if need be: a workflow may name a type before it joins.
    public mutating func requireType(named name: String) -> Int32 {
        if let index = typeIndex[name] { return index }
        let index = Int32(types.count)
        var entry = TypeEntry(name: name)
        entry.lines = (0..<Self.lowestPriority).map { _ in lines.open() }
        types.append(entry)
        typeIndex[name] = index
        return index
    }

    /// How many types have an index, from 0 on.
    public var typeCount: Int { types.count }
    /// The name of a type, as agents registered it.
    public func name(ofType type: Int32) -> String { types[Int(type)].name }
    /// Whether an instance of it has ever joined.
    public func isKnown(type: Int32) -> Bool { types[Int(type)].isKnown }
    /// How many of its instances take work.
    public func aliveCount(type: Int32) -> Int { types[Int(type)].alive }
    /// How much of its work waits for a slot.
    public func waitingCount(type: Int32) -> Int { types[Int(type)].waiting }
    /// What its instances can do, or the type itself promises.
    public func operations(ofType type: Int32) -> [OperationDescriptor] {
        types[Int(type)].operations.all
    }

    /// What the type says of an operation; `nil`: no instance has it.
    public func operation(_ name: String, ofType type: Int32) -> OperationDescriptor? {
        types[Int(type)].operations[name]
    }

    /// Whether an instance of the type has an operation, or the type promises it.
    public func hasOperation(_ name: String, ofType type: Int32) -> Bool {
        types[Int(type)].operations.has(name)
    }

    /// How many of the instances of a type that are alive have an operation.
    public func aliveCount(type: Int32, having operation: String) -> Int {
        types[Int(type)].operations.holders(of: operation)
    }

    /// Whether an instance has an operation.
    public func has(_ agent: Int32, _ operation: String) -> Bool {
        agents[agent].registration.operations.contains { $0.name == operation }
    }

    /// The same for one that is alive: answered faster while all of its type have the operation.
    private func canDo(_ agent: Int32, _ operation: String) -> Bool {
        let type = Int(agents[agent].type)
        let holders = types[type].operations.holders(of: operation)
        return holders == types[type].alive || holders > 0 && has(agent, operation)
    }

    /// A type is there though none of its instances is yet.
    public mutating func know(_ operations: [OperationDescriptor], ofType type: Int32) {
        types[Int(type)].isKnown = true
        types[Int(type)].operations.promise(operations)
    }

    /// How much may wait for a type; `nil`: as much as for every type.
    public mutating func setMaxWaiting(_ limit: Int?, ofType type: Int32) {
        types[Int(type)].maxWaiting = limit
    }

    /// How much may wait for a type.
    public func maxWaiting(ofType type: Int32) -> Int { types[Int(type)].maxWaiting ?? maxWaiting }

    // MARK: Instances

    /// Adds an instance. One of the same id is not replaced: remove it first.
    public mutating func join(_ registration: AgentRegistration, port: Int) -> Int32 {
        precondition(agentIndex[registration.id] == nil, "an instance joined twice")
        let type = requireType(named: registration.type)
        let line = lines.open()
        let agent = agents.insert(
            AgentEntry(registration: registration, port: port, type: type, line: line))
        agentIndex[registration.id] = agent
        types[Int(type)].operations.joined(registration.operations, beside: types[Int(type)].alive)
        types[Int(type)].alive += 1
        types[Int(type)].isKnown = true
        makeFree(agent)
        return agent
    }

    /// Among equally loaded instances those that prefer this are taken up again first, so that the
    /// others stay idle and can be done without.
    public mutating func preferLastUsed(_ agent: Int32) {
        agents[agent].order = -1
        if agents[agent].inFlight < agents[agent].slots { makeFree(agent) }
    }

    /// Takes an instance out of the choice; what it holds can still be given back.
    public mutating func close(_ agent: Int32) {
        makeFull(agent)
        agents[agent].isClosed = true
        agentIndex[agents[agent].registration.id] = nil
        if !agents[agent].holds.contains(.draining) { retire(agent) }
    }

    /// An instance counts as alive no more.
    private mutating func retire(_ agent: Int32) {
        let type = Int(agents[agent].type)
        types[type].alive -= 1
        types[type].operations.left(
            agents[agent].registration.operations, leaving: types[type].alive)
    }

    /// Gives an instance no new work until every hold on it is released; what it has goes on.
    public mutating func hold(_ agent: Int32, _ reason: AgentHold) {
        agents[agent].holds.insert(reason)
        makeFull(agent)
    }

    /// Takes a hold back. Whoever calls has the instance served.
    public mutating func release(_ agent: Int32, _ reason: AgentHold) {
        agents[agent].holds.remove(reason)
        if agents[agent].inFlight < agents[agent].slots { makeFree(agent) }
    }

    /// From now on an instance gets nothing new and does not count as alive; what it has goes on.
    public mutating func beginDraining(_ agent: Int32) {
        hold(agent, .draining)
        retire(agent)
    }

    /// An instance says anew what it is; its id and type stay.
    public mutating func reregister(_ agent: Int32, _ registration: AgentRegistration) {
        let type = Int(agents[agent].type)
        if !agents[agent].holds.contains(.draining) {
            let others = types[type].alive - 1
            types[type].operations.left(
                agents[agent].registration.operations, leaving: others)
            types[type].operations.joined(registration.operations, beside: others)
        }
        agents[agent].registration = registration
        if agents[agent].inFlight < agents[agent].slots { makeFree(agent) } else { makeFull(agent) }
    }

    /// Why an instance gets no new work; empty: it does.
    public func holds(of agent: Int32) -> AgentHold { agents[agent].holds }

    /// The session behind a remote instance; -1: it lives in this process.
    public func session(of agent: Int32) -> Int32 { agents[agent].session }

    /// Says which session is behind an instance.
    public mutating func setSession(_ session: Int32, of agent: Int32) {
        agents[agent].session = session
    }

    /// From now on work for an instance goes to another port.
    public mutating func setPort(_ port: Int, of agent: Int32) { agents[agent].port = port }

    /// Removes a closed instance that holds nothing any more and that nothing waits for.
    public mutating func leave(_ agent: Int32) {
        let entry = agents[agent]
        precondition(entry.isClosed && entry.inFlight == 0, "an instance left with work in hand")
        lines.close(entry.line)
        agents.remove(agent)
    }

    /// Whether the index names an instance that takes work.
    public func isLiving(_ agent: Int32) -> Bool {
        agents.contains(agent) && !agents[agent].isClosed
    }

    /// The index of an instance; `nil`: none of this name is living.
    public func agent(_ id: AgentID) -> Int32? { agentIndex[id] }
    /// The type of an instance.
    public func type(of agent: Int32) -> Int32 { agents[agent].type }
    /// Where an instance's work goes.
    public func port(of agent: Int32) -> Int { agents[agent].port }
    /// The name of an instance.
    public func id(of agent: Int32) -> AgentID { agents[agent].registration.id }
    /// What an instance said when it joined.
    public func registration(of agent: Int32) -> AgentRegistration { agents[agent].registration }
    /// Assignments that an instance holds now.
    public func inFlight(of agent: Int32) -> Int { agents[agent].inFlight }
    /// The slots of an instance: those that it came with, or as many as it has shown room for.
    public func slots(of agent: Int32) -> Int {
        min(agents[agent].registration.slots, agents[agent].room)
    }
    /// How much an instance has shown room for; ``unmeasured`` when it named its slots.
    public func room(of agent: Int32) -> Int { agents[agent].room }
    /// Says how much an instance has shown room for. It is given as much as its slots allow all the
    /// same.
    public mutating func setRoom(_ room: Int, of agent: Int32) { agents[agent].room = room }
    /// The room of an instance that named its slots.
    public static let unmeasured = Int.max

    /// Ended work and busy time of an instance since it joined.
    public func totals(of agent: Int32) -> (completed: Int64, failed: Int64, busyNanos: Int64) {
        let entry = agents[agent]
        return (entry.completed, entry.failed, entry.busyNanos)
    }

    /// Whether an instance would be given work of its type.
    public func hasFreeSlot(_ agent: Int32) -> Bool { agents[agent].heapHandle >= 0 }

    /// Every living instance.
    public var livingAgents: [Int32] { agents.indices }

    // MARK: Slots

    /// Takes a slot of the least loaded instance of a type; `nil` when all are full.
    public mutating func takeSlot(ofType type: Int32) -> Int32? {
        guard let agent = types[Int(type)].free.first else { return nil }
        fill(agent)
        return agent
    }

    /// Takes a slot of the least loaded instance of a type that has an operation; `nil`: all that
    /// have it are full, or none has it. O(1) as long as all have it, which is nearly always; during
    /// an upgrade O(instances with a free slot).
    public mutating func takeSlot(ofType type: Int32, for operation: String) -> Int32? {
        let entry = Int(type)
        let holders = types[entry].operations.holders(of: operation)
        if holders == 0 { return nil }
        if holders == types[entry].alive { return takeSlot(ofType: type) }
        var best: Int32?
        for agent in types[entry].free.unordered where has(agent, operation) {
            if let known = best, loadKey(known) <= loadKey(agent) { continue }
            best = agent
        }
        if let best { fill(best) }
        return best
    }

    /// Takes a slot of one instance.
    ///
    /// - Parameter beyondLimit: also when all its slots are taken (health probes).
    /// - Returns: whether there was one.
    public mutating func takeSlot(of agent: Int32, beyondLimit: Bool = false) -> Bool {
        guard beyondLimit || agents[agent].heapHandle >= 0 else { return false }
        fill(agent)
        return true
    }

    /// Gives a slot back.
    public mutating func freeSlot(of agent: Int32) {
        agents[agent].inFlight -= 1
        precondition(agents[agent].inFlight >= 0, "a slot was freed twice")
        if agents[agent].inFlight < agents[agent].slots { makeFree(agent) }
    }

    /// Lets an instance use fewer slots than it has; `nil`: all again. What it holds it keeps.
    public mutating func limitSlots(of agent: Int32, to limit: Int?) {
        agents[agent].limit = limit ?? .max
        if agents[agent].inFlight < agents[agent].slots {
            makeFree(agent)
        } else {
            makeFull(agent)
        }
    }

    /// Notes how a piece of work ended.
    public mutating func workEnded(_ agent: Int32, isSuccess: Bool, busyNanos: Int64) {
        agents[agent].busyNanos += busyNanos
        if isSuccess { agents[agent].completed += 1 } else { agents[agent].failed += 1 }
    }

    // MARK: Affinity

    /// The living instance that last worked under a key of a namespace, if it is of this type.
    public func preferred(ofType type: Int32, namespace: Namespace, key: String) -> Int32? {
        guard let agent = affinity[Self.affinityHash(type, namespace, key)], isLiving(agent),
            agents[agent].type == type
        else { return nil }
        return agent
    }

    /// An instance works under a key of a namespace.
    public mutating func prefer(_ agent: Int32, namespace: Namespace, key: String) {
        // A full table is forgotten whole: keys that are in use come back with their next work.
        if affinity.count >= 65_536 { affinity.removeAll(keepingCapacity: true) }
        affinity[Self.affinityHash(agents[agent].type, namespace, key)] = agent
    }

    private static func affinityHash(
        _ type: Int32, _ namespace: Namespace, _ key: String
    ) -> UInt64 {
        var hash = StableHash(seed: UInt64(UInt32(bitPattern: type)))
        hash.combine(namespace.name)
        hash.combine(key)
        return hash.value
    }

    // MARK: Waiting

    /// Puts work in the line of its type, where it waits for an instance that has its operation.
    ///
    /// - Parameter namespace: whose work it is; namespaces share no key, nor the want of one.
    /// - Parameter key: keys take turns inside a priority.
    /// - Parameter weight: how many turns in a row the key has, 1 or more.
    /// - Parameter isBounded: whether the bound applies; committed work may always wait.
    /// - Returns: `nil` when the type's lines are full.
    public mutating func wait(
        _ work: Int32, type: Int32, operation: String, priority: Int, isBounded: Bool,
        namespace: Namespace, key: String = "", weight: Int = 1
    ) -> WaitingLines.Place? {
        if isBounded, types[Int(type)].waiting >= maxWaiting(ofType: type) { return nil }
        types[Int(type)].waiting += 1
        let rank = min(max(priority, 1), Self.lowestPriority) - 1
        return lines.join(
            types[Int(type)].lines[rank], namespace: namespace, key: key, kind: operation,
            weight: weight, work: work)
    }

    /// Puts work in the line of one instance.
    ///
    /// - Returns: `nil` when its type has too much waiting already.
    public mutating func wait(_ work: Int32, agent: Int32) -> WaitingLines.Place? {
        let type = Int(agents[agent].type)
        if types[type].waiting >= maxWaiting(ofType: Int32(type)) { return nil }
        types[type].waiting += 1
        return lines.join(agents[agent].line, key: "", work: work)
    }

    /// Waiting work is about to be given a slot: its key goes behind the others.
    public mutating func turnTaken(_ place: WaitingLines.Place) { lines.turnTaken(place) }

    /// Takes waiting work out.
    public mutating func stopWaiting(_ place: WaitingLines.Place, type: Int32) {
        lines.leave(place)
        types[Int(type)].waiting -= 1
    }

    /// The work that a free slot of this instance should go to: what waits for it alone, then what
    /// waits for its type and that it can do, by priority. It stays in line.
    public func next(for agent: Int32) -> Int32? {
        let type = Int(agents[agent].type)
        guard agents[agent].heapHandle >= 0, types[type].waiting > 0 else { return nil }
        if let own = lines.head(agents[agent].line) { return own }
        for line in types[type].lines {
            if let work = lines.first(line, where: { canDo(agent, $0) }) { return work }
        }
        return nil
    }

    /// How much of what waits for a type calls operations that it is known to have. O(keys).
    public func offeredWaitingCount(type: Int32) -> Int {
        types[Int(type)].lines.reduce(0) { count, line in
            count + lines.count(line) { operation($0, ofType: type) != nil }
        }
    }

    /// Everything that waits for this instance alone, in order.
    public func waitingOnly(for agent: Int32) -> [Int32] { lines.all(agents[agent].line) }

    /// Everything that waits for any instance of a type, in order.
    public func waiting(ofType type: Int32) -> [Int32] {
        types[Int(type)].lines.flatMap { lines.all($0) }
    }

    // MARK: Order by load

    /// An instance's place among those with a free slot: smaller is better.
    private func loadKey(_ agent: Int32) -> Int64 {
        types[Int(agents[agent].type)].free.key(of: agents[agent].heapHandle)
    }

    private func key(_ agent: Int32) -> Int64 {
        Int64(min(agents[agent].inFlight, 1 << 20)) << 42
            | (uses &* agents[agent].order & ((1 << 42) - 1))
    }

    private mutating func fill(_ agent: Int32) {
        agents[agent].inFlight += 1
        if agents[agent].inFlight >= agents[agent].slots {
            makeFull(agent)
        } else {
            makeFree(agent)
        }
    }

    /// Puts an instance among those with a free slot, at the place its load gives it.
    private mutating func makeFree(_ agent: Int32) {
        if agents[agent].isClosed || !agents[agent].holds.isEmpty { return }
        uses += 1
        let type = Int(agents[agent].type)
        let handle = agents[agent].heapHandle
        if handle >= 0 {
            types[type].free.update(handle, key: key(agent))
        } else if agents[agent].inFlight < agents[agent].slots {
            agents[agent].heapHandle = types[type].free.insert(agent, key: key(agent))
        }
    }

    private mutating func makeFull(_ agent: Int32) {
        let handle = agents[agent].heapHandle
        if handle < 0 { return }
        types[Int(agents[agent].type)].free.remove(handle)
        agents[agent].heapHandle = -1
    }
}
