import Coordination
import Store

/// Ballots: asking everybody, counting, ending.
extension CoordinationEngine {
    mutating func decide(_ command: BallotCommand, _ ticket: ReplyTicket) {
        switch command {
        case .decide(let decide): beginBallot(decide, ticket)
        case .report(let report): reportOutcome(report, ticket)
        case .series(let namespace, let name): getSeries(namespace, name, ticket)
        case .listSeries(let namespace): listSeries(namespace, ticket)
        case .deleteSeries(let namespace, let name, let by):
            deleteSeries(namespace, name, by, ticket)
        }
    }

    // MARK: Beginning

    mutating func beginBallot(_ wish: DecideBallot, _ ticket: ReplyTicket) {
        let decide = identified(wish)
        // A step that has begun goes on.
        if isDraining, !ticket.isOwn { return reject(ticket, .draining) }
        if let refusal = refusal(of: decide) { return reject(ticket, refusal) }
        let voters: [BallotSpec.Voter]
        switch allVoters(decide) {
        case .success(let all): voters = all
        case .failure(let refusal): return reject(ticket, refusal, seen: isolationChangedIn)
        }
        if let (refusal, seen) = refusalOfSeries(decide) {
            return reject(ticket, refusal, seen: seen)
        }
        let ballot = openBallot(decide, voters, ticket)
        askVoters(voters, decide, ballot)
    }

    /// Who names no request id gets one: unique for ever, as a series must know its decisions after a
    /// restart too.
    private mutating func identified(_ wish: DecideBallot) -> DecideBallot {
        ballots.lastSerial += 1
        var decide = wish
        if decide.requestID.isEmpty {
            decide.requestID = "\(epoch.rawValue)-\(ballots.lastSerial)"
        }
        return decide
    }

    private mutating func openBallot(
        _ decide: DecideBallot, _ voters: [BallotSpec.Voter], _ ticket: ReplyTicket
    ) -> Int32 {
        let count = voters.count
        let ballot = ballots.cells.insert(
            BallotCell(
                serial: ballots.lastSerial, decide: decide,
                ballot: Ballot(decide.spec.rules, voters: weighed(voters, decide)),
                ticket: ticket, calls: Array(repeating: nil, count: count),
                answers: Array(repeating: nil, count: count),
                agents: Array(repeating: nil, count: count)))
        open.insert(.deciding(ballot: ballot), for: ticket)
        joinSeries(ballot)
        // After the calls' own deadlines, so that who was late is known as such.
        ballots.cells[ballot].timer = timers.insert(.ballot(ballot), key: decide.closesNanos + 1)
        return ballot
    }

    private mutating func askVoters(
        _ voters: [BallotSpec.Voter], _ decide: DecideBallot, _ ballot: Int32
    ) {
        for (place, voter) in voters.enumerated() {
            let invoke = Invoke(
                namespace: decide.namespace, agentType: voter.agentType,
                instance: voter.agentID.isEmpty ? nil : AgentID(voter.agentID),
                operation: voter.operation.isEmpty ? decide.operation : voter.operation,
                payload: decide.payload, deadlineNanos: decide.closesNanos,
                arrivedNanos: decide.arrivedNanos, priority: decide.priority,
                extras: InvokeExtras(
                    startByNanos: decide.waitsForInstances ? decide.closesNanos : nil))
            ballots.cells[ballot].calls[place] = call(
                invoke, for: .vote(ballot: ballot, voter: place))
        }
    }

    private mutating func refusal(of decide: DecideBallot) -> Rejection? {
        if ballots.cells.count >= limits.maxBallots { return .tooManyBallots(limits.maxBallots) }
        if decide.closesNanos <= now.monotonicNanos { return .deadlinePassed }
        if !decide.spec.rules.series.isEmpty, isDiskFull || isLowOnSpace { return .diskFull }
        for voter in decide.spec.voters {
            let operation = voter.operation.isEmpty ? decide.operation : voter.operation
            guard let type = pool.type(named: voter.agentType), pool.isKnown(type: type) else {
                return .unknownAgentType(voter.agentType, known: pool.knownTypes)
            }
            if pool.operation(operation, ofType: type) == nil {
                let known = pool.operations(ofType: type).map(\.name)
                return .unknownOperation(operation, of: voter.agentType, known: known)
            }
        }
        return nil
    }

    /// The voters with each instance that is meant in place of its type.
    private mutating func allVoters(_ decide: DecideBallot) -> Result<[BallotSpec.Voter], Rejection>
    {
        var voters: [BallotSpec.Voter] = []
        for voter in decide.spec.voters {
            if voter.isEveryInstance {
                voters += instances(for: voter)
            } else {
                voters.append(voter)
            }
        }
        if voters.isEmpty {
            return .failure(.noInstance(of: decide.spec.voters.first?.agentType ?? ""))
        }
        if voters.count > Ballot.maxVoters { return .failure(.tooManyVoters(voters.count)) }
        var labels: Set<String> = []
        for voter in voters where !labels.insert(voter.label).inserted {
            return .failure(.voterTwice(voter.label))
        }
        return .success(voters)
    }

    mutating func instances(for voter: BallotSpec.Voter) -> [BallotSpec.Voter] {
        guard let type = pool.type(named: voter.agentType) else { return [] }
        let living = pool.livingAgents.filter {
            pool.type(of: $0) == type && pool.isLiving($0)
                && pool.holds(of: $0).isDisjoint(with: [.draining, .isolated])
        }
        return living.map { pool.id(of: $0).description }.sorted().map { id in
            var one = voter
            one.isEveryInstance = false
            one.agentID = id
            one.name = ""
            return one
        }
    }

    private mutating func weighed(
        _ voters: [BallotSpec.Voter], _ decide: DecideBallot
    ) -> [Ballot.Voter] {
        var weights = voters.map(\.weight)
        if decide.spec.rules.weighsByAccuracy {
            let name = ScopedName(
                namespace: decide.namespace, name: decide.spec.rules.series)
            let known = ballots.series[name]?.series.voters ?? [:]
            weights = VoterAccuracy.weights(voters.map { ($0.weight, known[$0.label]) })
        }
        return zip(voters, weights).map { Ballot.Voter(name: $0.label, weight: $1) }
    }

    // MARK: Votes

    /// A voter's call came to something.
    mutating func voteCame(_ ballot: Int32, _ voter: Int, _ answer: Answer, seen: BatchNumber) {
        guard ballots.cells.contains(ballot) else { return }
        ballots.cells[ballot].calls[voter] = nil
        ballots.cells[ballot].seen = max(ballots.cells[ballot].seen, seen)
        switch answer {
        case .invoked(let invoked):
            ballots.cells[ballot].agents[voter] = invoked.agent
            switch invoked.outcome {
            case .success(let payload): return hold(payload, ballot, voter)
            case .failure(let failure): miss(ballot, voter, .failed(failure.bounded))
            }
        case .rejected(let rejection) where rejection.code == .deadline:
            // The time is over for all who are out: the ballot's timer, one nanosecond later, ends it.
            ballots.cells[ballot].ballot.missed(voter, .late)
        case .rejected(let rejection):
            let failure = StepFailure(rejection)
            miss(ballot, voter, rejection.isInstanceLost ? .failed(failure) : .notAsked(failure))
        default: miss(ballot, voter, .late)
        }
    }

    /// Has an answer read, if there is room for it.
    private mutating func hold(_ answer: Payload, _ ballot: Int32, _ voter: Int) {
        let bytes = answer.bytes.count
        let hasRoom =
            ballots.cells[ballot].bytes + bytes <= limits.maxBallotBytes
            && ballots.bytes + bytes <= limits.maxBallotBytesInAll
        guard hasRoom else {
            return miss(
                ballot, voter,
                .unreadable(
                    StepFailure(
                        type: "answers_too_large",
                        message: "the answers of a ballot have at most \(limits.maxBallotBytes) "
                            + "bytes together, those of all open ballots "
                            + "\(limits.maxBallotBytesInAll)", retryable: false)))
        }
        ballots.cells[ballot].bytes += bytes
        ballots.bytes += bytes
        ballots.cells[ballot].answers[voter] = answer
        let serial = ballots.cells[ballot].serial
        ready.preparations.append(
            Preparation(
                .reading(answer, ballots.cells[ballot].ballot.rules),
                for: .vote(ballot: ballot, serial: serial, voter: voter)))
    }

    private mutating func miss(_ ballot: Int32, _ voter: Int, _ absence: Ballot.Absence) {
        ballots.cells[ballot].ballot.missed(voter, absence)
        endIfCertain(ballot)
    }

    /// An answer was read.
    mutating func voteRead(
        _ ballot: Int32, serial: UInt64, _ voter: Int,
        _ reading: Result<AnswerReading, StepFailure>
    ) {
        guard ballots.cells.contains(ballot), ballots.cells[ballot].serial == serial else { return }
        switch reading {
        case .success(let reading): ballots.cells[ballot].ballot.answered(voter, reading)
        case .failure(let failure):
            ballots.cells[ballot].ballot.missed(voter, .unreadable(failure))
        }
        endIfCertain(ballot)
    }

    // MARK: Ending

    private mutating func endIfCertain(_ ballot: Int32) {
        if ballots.cells[ballot].ballot.mayEnd { endBallot(ballot, .notNeeded) }
    }

    mutating func ballotDue(_ ballot: Int32) {
        ballots.cells[ballot].timer = -1
        endBallot(ballot, .late)
    }

    private mutating func endBallot(_ ballot: Int32, _ absence: Ballot.Absence) {
        let isEarly = absence == .notNeeded && ballots.cells[ballot].ballot.outCount > 0
        // Before the rest is struck off: only now it is known what made a failure certain.
        var verdict = ballots.cells[ballot].ballot.verdict
        ballots.cells[ballot].ballot.close(absence)
        if !isEarly { verdict = ballots.cells[ballot].ballot.verdict }
        let cell = ballots.cells[ballot]
        forget(ballot)
        keepRecord(cell, verdict)
        meter.noted(verdict.isDecided ? .decided : .undecided)
        let elapsed = max(0, now.monotonicNanos - cell.decide.arrivedNanos)
        ready.notices.append(
            .ballot(
                .ended(
                    operation: cell.decide.operation, reason: verdict.reason, isEarly: isEarly,
                    support: verdict.support, seconds: Double(elapsed) / 1e9)))
        let isRecorded = !cell.decide.spec.rules.series.isEmpty
        let outcome = BallotOutcome(
            requestID: cell.decide.requestID, ballot: cell.ballot, verdict: verdict,
            answers: cell.answers, agents: cell.agents, isEarly: isEarly, elapsedNanos: elapsed)
        answer(cell.ticket, .ballot(.decided(outcome)), seen: isRecorded ? filling : cell.seen)
    }

    /// The caller is gone.
    mutating func ballotAbandoned(_ ballot: Int32) { forget(ballot) }

    /// Takes a ballot out, cancelling what still works for it.
    private mutating func forget(_ ballot: Int32) {
        let cell = ballots.cells[ballot]
        for call in cell.calls { if let call { forgetOwn(call) } }
        if cell.timer >= 0 { timers.remove(cell.timer) }
        open.remove(cell.ticket)
        ballots.bytes -= cell.bytes
        leaveSeries(cell)
        ballots.cells.remove(ballot)
    }
}
