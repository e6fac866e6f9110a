import Coordination

/// What coordination is measured by. Gauges and volatile counts of what is on disk: they pass freely.
extension CoordinationEngine {
    mutating func decide(_ command: MonitorCommand, _ ticket: ReplyTicket) {
        switch command {
        case .read:
            ready.replies.append(Reply(ticket, .monitor(.reading(meterReading))))
        }
    }

    /// O(types and instances): asked for once a second, and by those who look.
    private var meterReading: MeterReading {
        var reading = meter.reading(at: now)
        reading.activeRuns = Int64(openRuns)
        reading.breakers = breakers.cells.count
        for mode in breakers.shownModes.values {
            switch mode {
            case .normal: break
            case .degraded: reading.degraded += 1
            case .emergency: reading.emergencies += 1
            }
        }
        reading.waiting = Int64(pool.waitingCount)
        reading.backlog = Int64(backlog.count)
        for type in typeReadings { reading.add(type) }
        return reading
    }

    private var typeReadings: [AgentTypeReading] {
        var readings = (0..<Int32(pool.typeCount)).map { type in
            var reading = meter.reading(
                ofType: type, named: pool.name(ofType: type), atNanos: now.monotonicNanos)
            reading.waiting = Int64(pool.waitingCount(type: type))
            return reading
        }
        for agent in pool.livingAgents where pool.isLiving(agent) {
            let type = Int(pool.type(of: agent))
            readings[type].instances += 1
            // Without credit it works to the full.
            let isHeld = !pool.holds(of: agent).subtracting(.noCredit).isEmpty
            if isHeld { readings[type].heldInstances += 1 }
        }
        return readings
    }

    /// What was released to the metrics counts here as well.
    mutating func measure(_ notice: EngineNotice) {
        switch notice {
        case .workflowStarted: meter.runStarted()
        case .workflowClosed(_, let status, let millis):
            meter.runClosed(status, millis: millis)
        default: break
        }
    }

    // MARK: Slots and work

    /// A job wants a slot from now on, if it did not already.
    mutating func measureWish(_ job: Int32) {
        if jobs[job].wantedNanos == 0 { jobs[job].wantedNanos = max(1, now.monotonicNanos) }
    }

    /// A job holds a slot from now on.
    mutating func measureGrant(_ job: Int32, _ agent: Int32) {
        jobs[job].slotNanos = now.monotonicNanos
        jobs[job].hasResult = false
        meter.slotTaken(type: pool.type(of: agent), atNanos: now.monotonicNanos)
    }

    /// A job gives its slot back.
    mutating func measureRelease(_ job: Int32, _ agent: Int32) {
        if jobs[job].phase == .running, !jobs[job].hasResult { meter.abandoned() }
        jobs[job].wantedNanos = 0
        meter.slotFreed(type: pool.type(of: agent), atNanos: now.monotonicNanos)
    }

    /// Whether a worker bounds what it does at once by its credits alone.
    mutating func isUnbounded(_ registration: AgentRegistration) -> Bool {
        registration.slots >= AgentSession.maxCredits
    }

    /// A worker that named no slots has as many as its credits have shown room for: by the most that
    /// there may be, it would seem idle whatever it does.
    mutating func measureRoom(_ session: Int32) {
        let agent = sessions[session].agent
        let (known, room) = (pool.room(of: agent), sessions[session].machine.room)
        if room <= known { return }
        pool.setRoom(room, of: agent)
        meter.slotsCame(room - known, type: pool.type(of: agent), atNanos: now.monotonicNanos)
    }

    /// A job's result is accepted. Nobody knows when an earlier process dispatched it.
    mutating func measureResult(_ job: Int32, executionNanos: Int64, isFailure: Bool) {
        jobs[job].hasResult = true
        if jobs[job].wantedNanos < 0 { return }
        meter.finished(
            FinishedWork(
                wantedNanos: jobs[job].wantedNanos, grantedNanos: jobs[job].slotNanos,
                dispatchedNanos: jobs[job].grantedNanos, acceptedNanos: now.monotonicNanos,
                executionNanos: executionNanos, isFailure: isFailure),
            type: pool.type(of: jobs[job].agent))
    }

    // MARK: Failures

    /// A step's attempt failed, timed out or was lost; the first one of a row counts.
    mutating func measureFailure(_ run: Int32, _ step: Int) {
        guard runs[run].steps[step].failingNanos == 0 else { return }
        runs[run].steps[step].failingNanos = max(1, now.monotonicNanos)
    }

    /// A step's attempt succeeded.
    mutating func measureSuccess(_ run: Int32, _ step: Int) {
        let began = runs[run].steps[step].failingNanos
        if began == 0 { return }
        runs[run].steps[step].failingNanos = 0
        meter.workRecovered(nanos: now.monotonicNanos - began)
    }

    /// A breaker began to refuse calls, or lets every call pass again.
    mutating func measureBreaker(_ cell: Int32, isTripped: Bool) {
        if isTripped {
            if breakers.cells[cell].trippedNanos == 0 {
                breakers.cells[cell].trippedNanos = max(1, now.monotonicNanos)
            }
            meter.breakerOpened()
        } else {
            meter.breakerClosed(
                afterNanos: now.monotonicNanos - breakers.cells[cell].trippedNanos)
            breakers.cells[cell].trippedNanos = 0
        }
    }
}
