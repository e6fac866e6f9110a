import Coordination
import Engine
import GRPC
import Messages
import NIOCore
import Stubs

/// Serves `cadre.v1.BallotService`: questions to several agents, and what is learnt from the answers.
///
/// Runs on the socket loops; holds nothing of a call but closures on its link.
public struct BallotServiceProvider: BallotServiceHandler {
    private let links: EngineLinks

    /// Serves the engine behind `links`.
    public init(links: EngineLinks) { self.links = links }

    // MARK: Deciding

    /// Puts a question to a ballot, after every bad field was named.
    public func decide(_ request: DecideRequest, _ call: UnaryCall<DecideResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let spec = BallotSpec(request.voters, request.rules, "", &faults)
        faults.add(spec.faults("", operation: request.operation))
        request.check(&faults)
        if let status = faults.status { return call.fail(status) }
        let decide = DecideBallot(
            namespace: namespace, operation: request.operation,
            payload: Coordination.Payload(orEmptyObject: request.payload), spec: spec,
            requestID: request.requestID, closesNanos: request.closes(call),
            arrivedNanos: call.receivedAt.nanoseconds,
            priority: request.priority == 0 ? 3 : Int(request.priority))
        ask(call, .decide(decide)) { answer in
            guard case .decided(let outcome) = answer else { return nil }
            return DecideResponse(outcome)
        }
    }

    /// Says what would have been right, or whether the decision was.
    public func reportOutcome(
        _ request: ReportOutcomeRequest, _ call: UnaryCall<ReportOutcomeResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.series, "series")
        faults.checkName(request.decision, "decision")
        faults.check(request.requestID.utf8.count <= 256, "request_id", "is over 256 bytes")
        var said: ReportBallotOutcome.Outcome?
        switch request.outcome {
        case .correct(let isRight): said = .correct(isRight)
        case .truth(let payload):
            let count = payload.data.count
            faults.check(count <= 64 << 10, "truth", "is \(count) bytes; at most 64 KiB")
            said = .truth(Coordination.Payload(orEmptyObject: payload))
        case nil: faults.check(false, "outcome", "is required: set truth or correct")
        }
        guard faults.status == nil, let said else {
            return call.fail(faults.status ?? .missing("outcome"))
        }
        let report = ReportBallotOutcome(
            namespace: namespace, series: request.series, decision: request.decision,
            outcome: said, requestID: request.requestID)
        ask(call, .report(report)) { answer in
            guard case .judged(let isRight, let voters) = answer else { return nil }
            return ReportOutcomeResponse(
                decisionCorrect: isRight, voters: Messages.VoterAccuracy.all(voters))
        }
    }

    // MARK: Series

    /// What a series says about its voters.
    public func getSeries(_ request: GetSeriesRequest, _ call: UnaryCall<GetSeriesResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.series, "series")
        faults.check(
            (0...Int32(BallotSeries.maxRecords)).contains(request.decisions), "decisions",
            "is \(request.decisions); 0 (all) to \(BallotSeries.maxRecords)")
        if let status = faults.status { return call.fail(status) }
        ask(call, .series(namespace, request.series)) { answer in
            guard case .series(let series) = answer else { return nil }
            return GetSeriesResponse(series, named: request.series, newest: request.decisions)
        }
    }

    /// Every series of the namespace.
    public func listSeries(_ request: ListSeriesRequest, _ call: UnaryCall<ListSeriesResponse>) {
        guard let namespace = call.namespace() else { return }
        ask(call, .listSeries(namespace)) { answer in
            guard case .allSeries(let views) = answer else { return nil }
            return ListSeriesResponse(series: views.map(SeriesSummary.init))
        }
    }

    /// Forgets a series.
    public func deleteSeries(
        _ request: DeleteSeriesRequest, _ call: UnaryCall<DeleteSeriesResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.series, "series")
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        ask(call, .deleteSeries(namespace, request.series, by: by)) { answer in
            guard case .deleted = answer else { return nil }
            return DeleteSeriesResponse()
        }
    }

    private func ask<Response>(
        _ call: UnaryCall<Response>, _ command: BallotCommand,
        _ make: @escaping (BallotAnswer) -> Response?
    ) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .ballot(command, $0) }) { answer in
            if case .ballot(let own) = answer, let response = make(own) {
                call.respond(response)
            } else {
                call.fail(answer.refusal)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }
}

extension DecideRequest {
    /// Notes everything that is wrong beside its voters and rules.
    fileprivate func check(_ faults: inout FieldFaults) {
        faults.check(operation.utf8.count <= 256, "operation", "is over 256 bytes")
        faults.check(requestID.utf8.count <= 256, "request_id", "is over 256 bytes")
        faults.checkSize(payload, "payload")
        faults.check(
            (0...3_600_000).contains(deadlineMillis), "deadline_millis",
            "is \(deadlineMillis); 1 to 3,600,000, or 0 for the default of 30,000")
        faults.check(
            (0...5).contains(priority), "priority",
            "is \(priority); 1 is first, 5 last, 0 the default of 3")
    }

    /// When the time is over.
    fileprivate func closes(_ call: UnaryCall<DecideResponse>) -> Int64 {
        let now = call.receivedAt.nanoseconds
        let wanted = now + (deadlineMillis == 0 ? 30_000 : deadlineMillis) * 1_000_000
        return min(wanted, call.closes?.nanoseconds ?? .max)
    }
}
