import Coordination

/// Plain invokes: volatile work for one agent, answered to one caller.
extension CoordinationEngine {
    mutating func invoke(_ invoke: Invoke, _ ticket: ReplyTicket) {
        guard let extras = invoke.extras else { return admit(invoke, ticket) }
        guard let inherited = inherit(extras, invoke, ticket) else { return }
        admit(inherited, ticket)
    }

    private mutating func admit(_ invoke: Invoke, _ ticket: ReplyTicket) {
        // What the engine calls for itself was taken before it began to drain.
        if isDraining, !ticket.isOwn { return reject(ticket, .draining) }
        guard let type = pool.type(named: invoke.agentType), pool.isKnown(type: type) else {
            return reject(ticket, .unknownAgentType(invoke.agentType, known: pool.knownTypes))
        }
        let isProbe =
            invoke.operation == Assignment.healthOperation && invoke.instance != nil
        if !isProbe, !pool.hasOperation(invoke.operation, ofType: type) {
            let known = pool.operations(ofType: type).map(\.name)
            return reject(
                ticket, .unknownOperation(invoke.operation, of: invoke.agentType, known: known))
        }
        if let deadline = invoke.deadlineNanos, deadline <= now.monotonicNanos {
            return reject(ticket, .deadlinePassed)
        }
        if !hasInstances(type), !mayWait(invoke) {
            let hasWaited = invoke.extras?.startByNanos != nil
            return reject(
                ticket, hasWaited ? .notStarted(invoke.agentType) : noInstance(type))
        }
        let bytes = invoke.payload.bytes.count
        if bytes > Self.sparedBytes, openInvokeBytes + bytes > limits.maxInvokeBytes {
            return reject(ticket, .tooManyInvokeBytes(limits.maxInvokeBytes))
        }
        var permits: [HeldPermit] = []
        if !breakers.guarding.isEmpty, !isProbe {
            switch pass(invoke.namespace, invoke.agentType, invoke.operation) {
            case .free(let granted): permits = granted
            case .refused(let cell, let refusal): return rejectGuarded(ticket, cell, refusal)
            }
        }
        let job = jobs.insert(
            Job(work: .invoke(InvokeJob(invoke, ticket, isProbe: isProbe)), type: type))
        guardJob(job, with: permits)
        openInvokes += 1
        openInvokeBytes += bytes
        open.insert(.invoke(job: job), for: ticket)
        if let deadline = invoke.deadlineNanos { arm(job, atNanos: deadline) }
        if let extras = invoke.extras { begin(extras, job, ticket) }
        placeInvoke(job, invoke, ticket, isProbe: isProbe)
    }

    /// Payloads no larger than this are taken however much the others hold.
    private static let sparedBytes = 64 << 10

    /// Gives the invoke a slot, or a place in line, or turns it away.
    mutating func placeInvoke(
        _ job: Int32, _ invoke: Invoke, _ ticket: ReplyTicket, isProbe: Bool
    ) {
        if invoke.instance == nil { jobs[job].type = working(jobs[job].type, invoke.operation) }
        let type = jobs[job].type
        measureWish(job)
        if let id = invoke.instance {
            guard let agent = pool.agent(id), pool.type(of: agent) == type else {
                return turnAway(job, ticket, .unknownInstance(id, of: invoke.agentType))
            }
            if !isProbe, isolator.isolation(of: agent)?.state == .isolated {
                return turnAway(job, ticket, .agentIsolated(id))
            }
            if !isProbe, !pool.has(agent, invoke.operation) {
                let known = pool.registration(of: agent).operations.map(\.name)
                return turnAway(
                    job, ticket, .unknownOperation(invoke.operation, of: id, known: known))
            }
            if pool.takeSlot(of: agent, beyondLimit: isProbe) { return grant(job, agent) }
            if pool.holds(of: agent).contains(.draining) {
                return turnAway(job, ticket, .instanceDraining(id))
            }
            jobs[job].place = pool.wait(job, agent: agent)
        } else {
            if let agent = takeSlot(ofType: type, for: invoke) { return grant(job, agent) }
            jobs[job].place = pool.wait(
                job, type: type, operation: invoke.operation, priority: invoke.priority,
                isBounded: true, namespace: invoke.namespace,
                key: invoke.extras?.fairnessKey ?? "",
                weight: invoke.extras?.fairnessWeight ?? 1)
        }
        guard jobs[job].place == nil else { return grow(type) }
        turnAway(
            job, ticket,
            .tooMuchWaiting(invoke.agentType, limit: pool.maxWaiting(ofType: type)))
    }

    /// The slot of `agent` is taken for the invoke: off it goes.
    mutating func dispatchInvoke(_ job: Int32, _ agent: Int32) {
        guard case .invoke(let part) = jobs[job].work else { return }
        jobs[job].attempts += 1
        jobs[job].grantedNanos = now.monotonicNanos
        jobs[job].phase = .running
        // Each field by itself: a name for all of them would copy them.
        let extras = part.invoke.extras
        if let extras { granted(extras, job, agent, part) }
        dispatch(
            Assignment(
                token: AssignmentToken(serial: Serial(rawValue: jobs[job].token)),
                agent: pool.id(of: agent), operation: part.invoke.operation,
                payload: part.invoke.payload, deadlineNanos: part.invoke.deadlineNanos,
                attempt: (extras?.earlierAttempts ?? 0) + jobs[job].attempts,
                namespace: part.invoke.namespace, origin: nil,
                mode: shownMode(of: part.invoke.namespace),
                extras: extras.flatMap { .some(progress: $0.progress, trace: $0.trace) }),
            agent)
    }

    mutating func invokeFinished(_ job: Int32, _ part: InvokeJob, _ result: AssignmentResult) {
        let agent = jobs[job].agent
        let answer = InvokeAnswer(
            outcome: result.outcome, agent: pool.id(of: agent), attempts: jobs[job].attempts,
            queueNanos: max(0, jobs[job].grantedNanos - part.invoke.arrivedNanos),
            executionNanos: max(0, result.endedNanos - result.startedNanos),
            atMillis: now.wallMillis)
        if part.invoke.extras != nil {
            self.answer(part.ticket, .invoked(answer), seen: record(part.invoke, answer))
        } else {
            ready.replies.append(Reply(part.ticket, .invoked(answer)))
        }
        endInvoke(job)
    }

    /// Its instance left: again elsewhere if doing it twice does no harm.
    mutating func invokeLost(_ job: Int32, _ part: InvokeJob, _ agent: AgentID) {
        detach(job)
        let operation = pool.operation(part.invoke.operation, ofType: jobs[job].type)
        let mayRepeat = operation?.isIdempotent == true && part.invoke.instance == nil
        if mayRepeat, jobs[job].attempts < limits.maxInvokeAttempts,
            hasInstances(jobs[job].type) || mayWait(part.invoke)
        {
            jobs[job].phase = .waiting
            if mayWait(part.invoke) { armStart(job, part.invoke) }
            return placeInvoke(job, part.invoke, part.ticket, isProbe: part.isProbe)
        }
        endInvoke(job)
        reject(part.ticket, .instanceLost(agent, operation: part.invoke.operation))
    }

    /// An invoke in line does not begin. One that was lost before may have run, whatever keeps it
    /// from beginning anew.
    mutating func turnAway(
        _ job: Int32, _ ticket: ReplyTicket, _ rejection: Rejection, seen: BatchNumber = .none
    ) {
        let wasLost = jobs[job].attempts > 0
        endInvoke(job)
        reject(ticket, wasLost ? .instanceLost(before: rejection) : rejection, seen: seen)
    }

    mutating func invokeDeadlinePassed(_ job: Int32, _ part: InvokeJob) {
        if jobs[job].phase == .waiting, (part.invoke.deadlineNanos ?? .max) > now.monotonicNanos {
            return turnAway(job, part.ticket, .notStarted(part.invoke.agentType))
        }
        let type = jobs[job].type
        let isHeldUp =
            jobs[job].phase == .waiting && isolator.workingCount(type: type) == 0
            && isolator.isolatedCount(ofType: type) > 0
        cancelAssignment(job)
        endInvoke(job)
        reject(part.ticket, isHeldUp ? .allIsolated(part.invoke.agentType) : .deadlinePassed)
    }

    mutating func abandon(_ ticket: ReplyTicket) {
        switch open.remove(ticket) {
        case .invoke(let job):
            cancelAssignment(job)
            endInvoke(job)
        case .awaiting(let run): runs[run].waiters.removeAll { $0 == ticket }
        case .watching(let run): runs[run].watchers.removeAll { $0 == ticket }
        case .watchingBreakers(let mode): stopWatching(ticket, mode: mode)
        case .watchingAgents: agentWatchers.removeAll { $0 == ticket }
        case .watchingGraphs: graphs.watchers[ticket] = nil
        case .deciding(let ballot): ballotAbandoned(ballot)
        case .submitted: submitAbandoned(ticket)
        case .watchingMemory(let cell): stopWatchingMemory(ticket, cell)
        case .awaitingLock(let cell, let waiter): stopAwaitingLock(ticket, Int(cell), waiter)
        case .followingLock(let cell, let serial): stopFollowingLock(ticket, Int(cell), serial)
        case .followingEvents(let namespace): unfollow(namespace, ticket)
        case .readingEvents(let subscriber): streamEnded(subscriber)
        case nil where held.starts[ticket] != nil: held.drop(ticket)
        case nil where ballots.reports.removeValue(forKey: ticket) != nil: break
        case nil: if backlog.strike(ticket) { reject(ticket, .abandoned) }
        }
    }

    /// Forgets an invoke together with its slot, place and timer.
    mutating func endInvoke(_ job: Int32) {
        if case .invoke(let part) = jobs[job].work {
            open.remove(part.ticket)
            openInvokeBytes -= part.invoke.payload.bytes.count
            if let parent = part.invoke.extras?.parent { forgetChild(part.ticket, of: parent) }
        }
        dropPermits(of: job)
        detach(job)
        disarm(job)
        jobs.remove(job)
        openInvokes -= 1
    }
}
