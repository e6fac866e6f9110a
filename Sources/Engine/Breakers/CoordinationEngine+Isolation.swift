import Coordination
import Store

/// The failure isolator at work: what its decisions do to the pool, and what people ask of it.
extension CoordinationEngine {
    mutating func decide(_ command: IsolationCommand, _ ticket: ReplyTicket) {
        switch command {
        case .isolate(let id, let millis, let by): isolate(id, millis, by, ticket)
        case .restore(let id, let by): restoreAgent(id, by, ticket)
        case .setPolicy(let type, let policy, let by): setIsolationPolicy(type, policy, by, ticket)
        case .getPolicy(let type):
            answer(ticket, .isolationPolicy(isolationPolicies[type]), seen: isolationChangedIn)
        }
    }

    private mutating func isolate(
        _ id: AgentID, _ millis: Int64?, _ by: Signature, _ ticket: ReplyTicket
    ) {
        let key = RequestLog.Key(
            namespace: Namespace(""), method: "IsolateAgent", requestID: by.requestID)
        var hash = StableHash()
        hash.combine("\(id) \(millis ?? -1)")
        hash.combine(by.reason)
        if isIsolationRepeat(key, hash.value, id, ticket) { return }
        guard let agent = pool.agent(id) else { return reject(ticket, .agentNotFound(id)) }
        do throws(IsolationRefusal) {
            let changes = try isolator.isolate(
                agent, reason: by.reason, actor: by.actor,
                untilMillis: millis.map { now.wallMillis + $0 }, at: now)
            let after = plainText(
                "isolated", until: isolator.isolation(of: agent)?.untilMillis)
            audit(
                namespace: Namespace(""), actor: by.actor, action: "IsolateAgent",
                subject: "agent/\(id)", before: "\(pool.name(ofType: pool.type(of: agent)))",
                after: by.audited(after), requestID: by.requestID)
            apply(changes)
            remember(key, hash: hash.value, answer: [1])
            answerIsolation(agent, ticket)
        } catch {
            reject(ticket, error == .lastInstance ? .lastInstance(id) : .agentNotFound(id))
        }
    }

    private mutating func restoreAgent(_ id: AgentID, _ by: Signature, _ ticket: ReplyTicket) {
        let key = RequestLog.Key(
            namespace: Namespace(""), method: "RestoreAgent", requestID: by.requestID)
        var hash = StableHash()
        hash.combine("\(id)")
        hash.combine(by.reason)
        if isIsolationRepeat(key, hash.value, id, ticket) { return }
        guard let agent = pool.agent(id) else { return reject(ticket, .agentNotFound(id)) }
        do throws(IsolationRefusal) {
            guard let change = try isolator.restore(agent, at: now) else {
                return answerIsolation(agent, ticket)
            }
            audit(
                namespace: Namespace(""), actor: by.actor, action: "RestoreAgent",
                subject: "agent/\(id)", before: "isolated", after: by.audited("restored"),
                requestID: by.requestID)
            apply([change])
            remember(key, hash: hash.value, answer: [1])
            answerIsolation(agent, ticket)
        } catch {
            reject(ticket, .agentNotFound(id))
        }
    }

    private mutating func setIsolationPolicy(
        _ type: String, _ policy: IsolationPolicy, _ by: Signature, _ ticket: ReplyTicket
    ) {
        let key = RequestLog.Key(
            namespace: Namespace(""), method: "SetIsolationPolicy", requestID: by.requestID)
        var hash = StableHash()
        hash.combine(type)
        hash.combine(IsolationCodec.encode(policy))
        if isRepeat(key, hash.value) {
            return answer(
                ticket, .isolationPolicy(isolationPolicies[type]), seen: isolationChangedIn)
        }
        if isAnswered(key, hash.value, ticket) { return }
        if let refusal = refusalOfChanges ?? refusal(of: policy, ofType: type) {
            return reject(ticket, refusal, seen: isolationChangedIn)
        }
        let before = isolationPolicies[type]
        put(
            EntityRow(
                kind: .isolationPolicy, namespace: "", key: type,
                blob: policy == .defaults ? nil : IsolationCodec.encode(policy)))
        audit(
            namespace: Namespace(""), actor: by.actor, action: "SetIsolationPolicy",
            subject: "agent-type/\(type)", before: before.plainText, after: policy.plainText,
            requestID: by.requestID)
        remember(key, hash: hash.value, answer: [1])
        isolationChangedIn = filling
        takeUp(policy, ofType: type)
        answer(ticket, .isolationPolicy(policy), seen: filling)
    }

    private mutating func refusal(of policy: IsolationPolicy, ofType type: String) -> Rejection? {
        let isMore = policy != .defaults && !isolationPolicies.has(type)
        guard isMore, isolationPolicies.count >= limits.maxIsolationPolicies else { return nil }
        return .tooManyPolicies(limits.maxIsolationPolicies)
    }

    /// Makes a policy hold. Its types may join later.
    mutating func takeUp(_ policy: IsolationPolicy, ofType name: String) {
        isolationPolicies.set(policy, ofType: name)
        enforcePolicy(ofType: name)
    }

    /// Answers a request that was carried out before with how the instance stands now, also when it
    /// is away; refuses an id that belongs to another request. Whether it did either.
    private mutating func isIsolationRepeat(
        _ key: RequestLog.Key, _ hash: UInt64, _ id: AgentID, _ ticket: ReplyTicket
    ) -> Bool {
        guard case .known(_, let seen) = rememberedAnswer(key, hash: hash) else {
            return isAnswered(key, hash, ticket)
        }
        let isolation =
            pool.agent(id).flatMap { isolator.isolation(of: $0) }
            ?? isolator.absentIsolation(of: id)
        answer(
            ticket, .isolation(id, isolation ?? Isolation()), seen: max(seen, isolationChangedIn))
        return true
    }

    private mutating func answerIsolation(_ agent: Int32, _ ticket: ReplyTicket) {
        let isolation = isolator.isolation(of: agent) ?? Isolation()
        answer(ticket, .isolation(pool.id(of: agent), isolation), seen: isolationChangedIn)
    }

    // MARK: What happens

    /// How an instance did a piece of work.
    mutating func judgeAgent(_ agent: Int32, _ outcome: AssignmentOutcome) {
        switch outcome {
        case .success:
            if let change = isolator.succeeded(agent, at: now) { apply([change]) }
        case .failure(let failure):
            let policy = isolator.policy(ofType: pool.type(of: agent))
            if policy.blames(failure) { agentFailed(agent) }
        }
    }

    /// An instance failed, or did not answer in time.
    mutating func agentFailed(_ agent: Int32) {
        // One that is closed has left the isolator; its last words are not judged.
        guard pool.isLiving(agent) else { return }
        do throws(IsolationRefusal) {
            apply(try isolator.failed(agent, at: now, random: nextRandom()))
        } catch {
            preconditionFailure("a living agent is not known to the failure isolator")
        }
    }

    /// Does what the isolator decided.
    mutating func apply(_ changes: [IsolationChange]) {
        for change in changes {
            let agent = change.agent
            switch change.kind {
            case .isolated:
                pool.hold(agent, .isolated)
                storeIsolation(agent)
                evict(agent)
            case .canary:
                pool.limitSlots(of: agent, to: 1)
                pool.release(agent, .isolated)
                storeIsolation(agent)
                agentsToServe.append(agent)
            case .restored:
                pool.limitSlots(of: agent, to: nil)
                pool.release(agent, .isolated)
                storeIsolation(agent)
                agentsToServe.append(agent)
            case .spared: break
            }
            noteIsolation(change)
        }
        isolationsLooked()
    }

    /// What the isolator remembers no more is not stored any more; its timer is set anew.
    mutating func isolationsLooked() {
        for id in isolator.takeForgotten() { putIsolation(id, nil) }
        armIsolation()
    }

    private mutating func storeIsolation(_ agent: Int32) {
        let isolation = isolator.isolation(of: agent)
        let isIsolated = isolation?.state == .isolated
        putIsolation(
            pool.id(of: agent), isIsolated ? isolation.map(IsolationCodec.encode) : nil)
        agentChanged(agent)
    }

    private mutating func putIsolation(_ id: AgentID, _ blob: [UInt8]?) {
        isolationChangedIn = put(
            EntityRow(kind: .isolation, namespace: "", key: id.name, blob: blob))
    }

    private mutating func noteIsolation(_ change: IsolationChange) {
        switch change.kind {
        case .isolated: meter.agentIsolated(change.agent, atNanos: now.monotonicNanos)
        case .restored: meter.agentRestored(change.agent, atNanos: now.monotonicNanos)
        case .canary, .spared: break
        }
        let type = pool.type(of: change.agent)
        ready.notices.append(
            .guarding(.isolation(type: pool.name(ofType: type), kind: change.kind)))
        noteIsolated(type)
    }

    /// Tells how many instances of a type get no work.
    mutating func noteIsolated(_ type: Int32) {
        ready.notices.append(
            .guarding(
                .isolated(
                    type: pool.name(ofType: type),
                    instances: isolator.isolatedCount(ofType: type))))
    }

    mutating func isolationDue() {
        isolationTimer = -1
        apply(isolator.timeReached(now))
    }

    mutating func armIsolation() {
        let due = isolator.nextDeadlineNanos
        switch (due, isolationTimer >= 0) {
        case (let due?, true): timers.update(isolationTimer, key: due)
        case (let due?, false): isolationTimer = timers.insert(.isolation, key: due)
        case (nil, true):
            timers.remove(isolationTimer)
            isolationTimer = -1
        case (nil, false): break
        }
    }

    // MARK: Work of the isolated

    /// The type that does the work: the backup while all instances are isolated, if it can.
    mutating func working(_ type: Int32, _ operation: String) -> Int32 {
        guard let backup = isolator.needsBackup(type),
            pool.hasOperation(operation, ofType: backup)
        else { return type }
        return backup
    }

    /// Gives an isolated instance's work to others, but for calls that must not be made twice.
    private mutating func evict(_ agent: Int32) {
        let id = pool.id(of: agent)
        for job in pool.waitingOnly(for: agent) {
            guard case .invoke(let part) = jobs[job].work, !part.isProbe else { continue }
            endInvoke(job)
            reject(part.ticket, .agentIsolated(id))
        }
        for token in tokensHeld(by: agent) {
            // One that moves may have ended others: those that were called on its behalf.
            guard let job = tokens[token], jobs[job].agent == agent, mayMove(job) else { continue }
            cancelAssignment(job)
            lost(job, id, .isolated)
        }
        let type = pool.type(of: agent)
        guard isolator.needsBackup(type) != nil else { return }
        for job in pool.waiting(ofType: type) { moveToBackup(job) }
    }

    private mutating func mayMove(_ job: Int32) -> Bool {
        switch jobs[job].work {
        case .step: return true
        case .invoke(let part):
            let operation = pool.operation(part.invoke.operation, ofType: jobs[job].type)
            return operation?.isIdempotent == true && part.invoke.instance == nil
                && jobs[job].attempts < limits.maxInvokeAttempts
        }
    }

    private mutating func moveToBackup(_ job: Int32) {
        let backup = working(jobs[job].type, operation(of: job))
        if backup == jobs[job].type { return }
        detach(job)
        jobs[job].type = backup
        switch jobs[job].work {
        case .invoke(let part): placeInvoke(job, part.invoke, part.ticket, isProbe: false)
        case .step(let run, let step):
            seat(job, priority: runs[run].machine.state.work(of: step).definition.priority)
        }
    }
}
