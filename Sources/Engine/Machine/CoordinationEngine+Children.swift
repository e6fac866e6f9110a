import Coordination

/// Invokes with something beside the plain call: a parent, a time to start by, an affinity.
extension CoordinationEngine {
    // MARK: Parents

    /// Takes over what the parent decides: its deadline bounds the call's own.
    ///
    /// - Returns: the call to make; `nil`: it has been answered already, since its parent is gone
    ///   or an earlier attempt of the parent has had the same call answered.
    mutating func inherit(
        _ extras: InvokeExtras, _ invoke: Invoke, _ ticket: ReplyTicket
    ) -> Invoke? {
        guard let parent = extras.parent else { return invoke }
        guard let job = tokens[parent.serial.rawValue], jobs[job].phase == .running,
            namespace(of: job) == invoke.namespace
        else {
            reject(ticket, .parentEnded(parent))
            return nil
        }
        if isRecorded(invoke, key: extras.key, parent: job, ticket) { return nil }
        if callDepth(of: job) >= limits.maxCallDepth {
            reject(ticket, .callsTooDeep(limits.maxCallDepth))
            return nil
        }
        guard jobs[job].timer >= 0 else { return invoke }
        // A step's timer may ring earlier, to look whether its agent is silent.
        if case .step = jobs[job].work {
            return invoke.ending(byNanos: jobs[job].deadlineNanos)
        }
        return invoke.ending(byNanos: jobs[job].dueNanos)
    }

    /// Where a job belongs: a parent elsewhere is none that the caller may know of.
    mutating func namespace(of job: Int32) -> Namespace {
        switch jobs[job].work {
        case .invoke(let part): part.invoke.namespace
        case .step(let run, _): runs[run].machine.state.namespace
        }
    }

    /// How many calls stand above one another from a job up to one without a parent, itself
    /// included. Their end goes down the same way, one inside the other.
    private mutating func callDepth(of job: Int32) -> Int {
        var depth = 1
        var current = job
        while depth < limits.maxCallDepth, case .invoke(let part) = jobs[current].work,
            let parent = part.invoke.extras?.parent, let above = tokens[parent.serial.rawValue]
        {
            depth += 1
            current = above
        }
        return depth
    }

    /// Notes the call under its parent and arms its time to start.
    mutating func begin(_ extras: InvokeExtras, _ job: Int32, _ ticket: ReplyTicket) {
        if let parent = extras.parent {
            children[parent.serial.rawValue, default: []].insert(ticket)
        }
        if case .invoke(let part) = jobs[job].work { armStart(job, part.invoke) }
    }

    /// A call in line ends with its time to start, if it has one.
    mutating func armStart(_ job: Int32, _ invoke: Invoke) {
        guard let start = invoke.extras?.startByNanos else { return }
        arm(job, atNanos: min(start, invoke.deadlineNanos ?? .max))
    }

    mutating func forgetChild(_ ticket: ReplyTicket, of parent: AssignmentToken) {
        children[parent.serial.rawValue]?.remove(ticket)
        if children[parent.serial.rawValue]?.isEmpty == true {
            children[parent.serial.rawValue] = nil
        }
    }

    /// An assignment has ended: so do the calls made on its behalf.
    mutating func endChildren(of token: UInt64) {
        guard let tickets = children.removeValue(forKey: token) else { return }
        let parent = AssignmentToken(serial: Serial(rawValue: token))
        let ordered = tickets.sorted { ($0.port, $0.call) < ($1.port, $1.call) }
        for ticket in ordered {
            guard case .invoke(let job) = open[ticket] else { continue }
            cancelAssignment(job)
            endInvoke(job)
            reject(ticket, .parentEnded(parent))
        }
    }

    // MARK: Waiting and choice

    /// Whether a call may wait though nobody is alive.
    @inline(__always)
    mutating func mayWait(_ invoke: Invoke) -> Bool {
        guard let start = invoke.extras?.startByNanos else { return false }
        return start > now.monotonicNanos
    }

    /// A slot of the instance that last worked under the call's key, or of the least loaded one.
    mutating func takeSlot(ofType type: Int32, for invoke: Invoke) -> Int32? {
        if let key = invoke.extras?.affinityKey, !key.isEmpty,
            let agent = pool.preferred(ofType: type, namespace: invoke.namespace, key: key),
            pool.has(agent, invoke.operation), pool.takeSlot(of: agent)
        {
            return agent
        }
        return pool.takeSlot(ofType: type, for: invoke.operation)
    }

    /// The call goes to an instance: its time to start is over, its key remembers the instance.
    mutating func granted(
        _ extras: InvokeExtras, _ job: Int32, _ agent: Int32, _ part: InvokeJob
    ) {
        if !extras.affinityKey.isEmpty {
            pool.prefer(agent, namespace: part.invoke.namespace, key: extras.affinityKey)
        }
        guard extras.startByNanos != nil else { return }
        if let deadline = part.invoke.deadlineNanos {
            arm(job, atNanos: deadline)
        } else {
            disarm(job)
        }
    }
}
