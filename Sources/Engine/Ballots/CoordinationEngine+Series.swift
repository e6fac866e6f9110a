import Coordination
import Store

/// Series of ballots: their records, and what is learnt from outcomes.
extension CoordinationEngine {
    private mutating func seriesName(_ decide: DecideBallot) -> ScopedName? {
        let name = decide.spec.rules.series
        return name.isEmpty ? nil : ScopedName(namespace: decide.namespace, name: name)
    }

    // MARK: Records

    /// Why a ballot may not leave a record, and what that has seen.
    mutating func refusalOfSeries(_ decide: DecideBallot) -> (Rejection, BatchNumber)? {
        guard let name = seriesName(decide) else { return nil }
        guard let cell = ballots.series[name] else {
            let isFull = ballots.series.count >= limits.maxBallotSeries
            return isFull ? (.tooManySeries(limits.maxBallotSeries), ballots.changedIn) : nil
        }
        if cell.openIDs.contains(decide.requestID) || cell.series.holds(decide.requestID) {
            return (.decisionExists(decide.requestID, name.name), cell.changedIn)
        }
        return nil
    }

    mutating func joinSeries(_ ballot: Int32) {
        let decide = ballots.cells[ballot].decide
        guard let name = seriesName(decide) else { return }
        ballots.series[name, default: SeriesCell()].openIDs.insert(decide.requestID)
        ballots.cells[ballot].seen = ballots.series[name]?.changedIn ?? .none
    }

    /// A ballot is over, with a record or without. A series that came to nothing is forgotten.
    mutating func leaveSeries(_ cell: BallotCell) {
        guard let name = seriesName(cell.decide) else { return }
        ballots.series[name]?.openIDs.remove(cell.decide.requestID)
        guard let left = ballots.series[name], left.openIDs.isEmpty, left.series.lastMillis == 0
        else { return }
        ballots.series[name] = nil
    }

    /// Leaves the record of a decision with the filling batch.
    mutating func keepRecord(_ cell: BallotCell, _ verdict: BallotVerdict) {
        guard let name = seriesName(cell.decide) else { return }
        let record = BallotRecord(
            id: cell.decide.requestID, verdict, of: cell.ballot, atMillis: now.wallMillis)
        if ballots.series[name] == nil { ballots.changedIn = filling }
        let dropped = ballots.series[name, default: SeriesCell()].series.keep(record)
        if let dropped { putRecord(dropped, nil, name) }
        putRecord(record.id, SeriesCodec.encode(record, in: name.name), name)
        putTotals(name)
    }

    private mutating func putRecord(_ id: String, _ blob: [UInt8]?, _ name: ScopedName) {
        put(
            EntityRow(
                kind: .ballotRecord, namespace: name.namespace.name,
                key: SeriesCodec.key(name.name, id), blob: blob))
    }

    private mutating func putTotals(_ name: ScopedName) {
        guard let series = ballots.series[name]?.series else { return }
        let storedIn = put(
            EntityRow(
                kind: .ballotSeries, namespace: name.namespace.name, key: name.name,
                blob: SeriesCodec.encode(series)))
        ballots.series[name]?.changedIn = storedIn
    }

    private mutating func putAccuracy(_ voter: String, _ blob: [UInt8]?, _ name: ScopedName) {
        put(
            EntityRow(
                kind: .voterAccuracy, namespace: name.namespace.name,
                key: SeriesCodec.key(name.name, voter), blob: blob))
    }

    // MARK: Outcomes

    mutating func reportOutcome(_ report: ReportBallotOutcome, _ ticket: ReplyTicket) {
        if isReported(report, ticket) { return }
        let name = ScopedName(namespace: report.namespace, name: report.series)
        guard let cell = ballots.series[name], cell.series.lastMillis > 0 else {
            return rejectUnknownSeries(name, ticket)
        }
        guard let record = cell.series.record(report.decision) else {
            return reject(
                ticket, .unknownDecision(report.decision, report.series), seen: cell.changedIn)
        }
        switch report.outcome {
        case .correct(let isRight): judge(report, .correct(isRight), ticket)
        case .truth(let payload):
            ballots.reports[ticket] = report
            ready.preparations.append(
                Preparation(.reading(payload, record.rulesOfTruth), for: .truth(ticket)))
        }
    }

    /// Answers a repeat of a report, or an id that was used for another one.
    private mutating func isReported(
        _ report: ReportBallotOutcome, _ ticket: ReplyTicket
    ) -> Bool {
        if case .known(let bytes, let seen) = rememberedAnswer(
            report.requestKey, hash: report.contentHash)
        {
            answer(ticket, .ballot(.judged(isRight: bytes.last == 1, [:])), seen: seen)
            return true
        }
        return isAnswered(report.requestKey, report.contentHash, ticket)
    }

    /// The right answer was read.
    mutating func truthRead(
        _ ticket: ReplyTicket, _ reading: Result<AnswerReading, StepFailure>
    ) {
        guard let report = ballots.reports.removeValue(forKey: ticket) else { return }
        switch reading {
        case .failure(let failure): reject(ticket, .unreadableTruth(failure))
        case .success(let reading):
            // Another report of its id may have come meanwhile.
            if isReported(report, ticket) { return }
            judge(report, .truth(reading.value), ticket)
        }
    }

    private mutating func judge(
        _ report: ReportBallotOutcome, _ outcome: ReportedOutcome, _ ticket: ReplyTicket
    ) {
        let name = ScopedName(namespace: report.namespace, name: report.series)
        let judgement = ballots.series[name]?.series.judge(report.decision, outcome) ?? .unknown
        let seen = ballots.series[name]?.changedIn ?? ballots.changedIn
        switch judgement {
        case .unknown:
            reject(ticket, .unknownDecision(report.decision, report.series), seen: seen)
        case .contradicts: reject(ticket, .outcomeContradicts(report.decision), seen: seen)
        case .undecided: reject(ticket, .nothingDecided(report.decision), seen: seen)
        case .repeated(let isRight):
            answer(ticket, .ballot(.judged(isRight: isRight, [:])), seen: seen)
        case .learnt(let isRight, let voters):
            let learnt = keepLearnt(name, report.decision, isRight: isRight, voters)
            remember(report.requestKey, hash: report.contentHash, answer: [1, isRight ? 1 : 0])
            answer(ticket, .ballot(.judged(isRight: isRight, learnt)), seen: filling)
        }
    }

    /// What was learnt from an outcome goes with the filling batch.
    private mutating func keepLearnt(
        _ name: ScopedName, _ decision: String, isRight: Bool, _ voters: [String]
    ) -> [String: VoterAccuracy] {
        guard let series = ballots.series[name]?.series else { return [:] }
        let record = series.record(decision)
        if let record { putRecord(record.id, SeriesCodec.encode(record, in: name.name), name) }
        var learnt: [String: VoterAccuracy] = [:]
        for voter in voters {
            guard let accuracy = series.voters[voter] else { continue }
            learnt[voter] = accuracy
            putAccuracy(voter, SeriesCodec.encode(accuracy, of: voter, in: name.name), name)
        }
        putTotals(name)
        if record?.result != nil {
            meter.noted(.outcome(isRight: isRight))
            ready.notices.append(.ballot(.judged(series: name.name, isRight: isRight)))
        }
        return learnt
    }

    // MARK: Looking

    mutating func getSeries(_ namespace: Namespace, _ name: String, _ ticket: ReplyTicket) {
        let scoped = ScopedName(namespace: namespace, name: name)
        guard let cell = ballots.series[scoped], cell.series.lastMillis > 0 else {
            return rejectUnknownSeries(scoped, ticket)
        }
        answer(ticket, .ballot(.series(cell.series)), seen: cell.changedIn)
    }

    mutating func listSeries(_ namespace: Namespace, _ ticket: ReplyTicket) {
        var seen = ballots.changedIn
        let views = ballots.names(in: namespace).compactMap { name -> SeriesView? in
            let scoped = ScopedName(namespace: namespace, name: name)
            guard let cell = ballots.series[scoped] else { return nil }
            seen = max(seen, cell.changedIn)
            return SeriesView(
                name: name, decisions: cell.series.records.count, judged: cell.series.judged,
                correct: cell.series.correct, lastMillis: cell.series.lastMillis)
        }
        answer(ticket, .ballot(.allSeries(views)), seen: seen)
    }

    mutating func deleteSeries(
        _ namespace: Namespace, _ name: String, _ by: Signature, _ ticket: ReplyTicket
    ) {
        let key = RequestLog.Key(
            namespace: namespace, method: "DeleteSeries", requestID: by.requestID)
        var hash = StableHash()
        hash.combine(name)
        if case .known(_, let seen) = rememberedAnswer(key, hash: hash.value) {
            return answer(ticket, .ballot(.deleted), seen: seen)
        }
        if isAnswered(key, hash.value, ticket) { return }
        let scoped = ScopedName(namespace: namespace, name: name)
        guard let cell = ballots.series[scoped], cell.series.lastMillis > 0 else {
            return rejectUnknownSeries(scoped, ticket)
        }
        for record in cell.series.records { putRecord(record.id, nil, scoped) }
        for voter in cell.series.voters.keys { putAccuracy(voter, nil, scoped) }
        put(EntityRow(kind: .ballotSeries, namespace: namespace.name, key: name, blob: nil))
        ballots.changedIn = audit(
            namespace: namespace, actor: by.actor, action: "DeleteSeries",
            subject: "series/\(name)", before: "\(cell.series.records.count) decisions",
            requestID: by.requestID)
        // What is under way leaves its record in a series of the same name.
        ballots.series[scoped] =
            cell.openIDs.isEmpty ? nil : SeriesCell(changedIn: filling, openIDs: cell.openIDs)
        remember(key, hash: hash.value, answer: [1])
        answer(ticket, .ballot(.deleted), seen: filling)
    }

    private mutating func rejectUnknownSeries(_ name: ScopedName, _ ticket: ReplyTicket) {
        let known = ballots.names(in: name.namespace)
        reject(ticket, .unknownSeries(name.name, known: known), seen: ballots.changedIn)
    }

    // MARK: Restoring

    /// A row of a series that the store holds.
    mutating func restoreSeries(_ entity: EntityRow) throws(CodecError) {
        guard let blob = entity.blob else { return }
        let namespace = Namespace(entity.namespace)
        switch entity.entityKind {
        case .ballotSeries:
            let name = ScopedName(namespace: namespace, name: entity.key)
            ballots.series[name, default: SeriesCell()].series.restore(
                totalsOf: try SeriesCodec.decodeSeries(blob))
        case .ballotRecord:
            let (series, record) = try SeriesCodec.decodeRecord(blob)
            let name = ScopedName(namespace: namespace, name: series)
            ballots.series[name, default: SeriesCell()].series.restore(record)
        case .voterAccuracy:
            let (series, voter, accuracy) = try SeriesCodec.decodeAccuracy(blob)
            let name = ScopedName(namespace: namespace, name: series)
            ballots.series[name, default: SeriesCell()].series.restore(accuracy, of: voter)
        default: break
        }
    }
}

extension ReportBallotOutcome {
    /// By what it is remembered.
    fileprivate var requestKey: RequestLog.Key {
        RequestLog.Key(namespace: namespace, method: "ReportOutcome", requestID: requestID)
    }
}
