import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// What clients and operators do to runs.
extension WorkflowServiceProvider {
    /// See `TerminateRun` in the proto.
    public func terminateRun(
        _ request: TerminateRunRequest, _ call: UnaryCall<TerminateRunResponse>
    ) {
        operate(request, .terminate(reason: request.reason), call, TerminateRunResponse.init(run:))
    }

    /// See `PauseRun` in the proto.
    public func pauseRun(_ request: PauseRunRequest, _ call: UnaryCall<PauseRunResponse>) {
        operate(request, .pause(reason: request.reason), call, PauseRunResponse.init(run:))
    }

    /// See `ResumeRun` in the proto.
    public func resumeRun(_ request: ResumeRunRequest, _ call: UnaryCall<ResumeRunResponse>) {
        operate(request, .resume(reason: request.reason), call, ResumeRunResponse.init(run:))
    }

    /// See `RetryRun` in the proto.
    public func retryRun(_ request: RetryRunRequest, _ call: UnaryCall<RetryRunResponse>) {
        operate(request, .retry(reason: request.reason), call, RetryRunResponse.init(run:))
    }

    /// See `Requeue` in the proto.
    public func requeue(_ request: RequeueRequest, _ call: UnaryCall<RequeueResponse>) {
        var faults = FieldFaults()
        faults.checkName(request.step, "step")
        faults.checkRequestID(request.requestID)
        if let status = faults.status { return call.fail(status) }
        guard let reference = reference(request.run, call) else { return }
        let operation: RunOperation =
            request.discard ? .discard(step: request.step) : .requeue(step: request.step)
        operate(reference, operation, request.requestID, call, RequeueResponse.init(run:))
    }

    /// See `ListDeadLetters` in the proto.
    public func listDeadLetters(
        _ request: ListDeadLettersRequest, _ call: UnaryCall<ListDeadLettersResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.check(
            (0...1_000).contains(request.pageSize), "page_size", "must be 0 to 1,000")
        let after = DeadLetterCursor(token: request.pageToken)
        faults.check(
            request.pageToken.isEmpty || after != nil, "page_token",
            "is not from a page of this list")
        if let status = faults.status { return call.fail(status) }
        let limit = request.pageSize == 0 ? 100 : Int(request.pageSize)
        ask(call, { .listDeadLetters(namespace, after: after, limit: limit, $0) }) { answer in
            guard case .deadLetters(let found, let next) = answer else { return nil }
            var response = ListDeadLettersResponse()
            let page = found.page(Messages.DeadLetter.init)
            response.deadLetters = page.entries
            let last = page.isWhole ? next : found[page.entries.count - 1].cursor
            response.nextPageToken = last?.token ?? ""
            return response
        }
    }

    // MARK: Messages to runs

    /// See `SignalRun` in the proto.
    public func signalRun(_ request: SignalRunRequest, _ call: UnaryCall<SignalRunResponse>) {
        var faults = FieldFaults()
        faults.checkName(request.signal, "signal")
        faults.checkSize(request.payload, "payload")
        faults.checkRequestID(request.requestID)
        if let status = faults.status { return call.fail(status) }
        guard let reference = reference(request.run, call) else { return }
        let payload = Coordination.Payload(orEmptyObject: request.payload)
        withCheckedJSON(payload, "payload", call) {
            let signal = RunSignal(name: request.signal, payload: payload)
            operate(
                reference, .signal(signal), request.requestID, call, SignalRunResponse.init(run:))
        }
    }

    /// See `SignalWithStart` in the proto.
    public func signalWithStart(
        _ request: SignalWithStartRequest, _ call: UnaryCall<SignalWithStartResponse>
    ) {
        guard let startRequest = request.start else { return call.fail(.missing("start")) }
        var faults = FieldFaults()
        faults.checkName(request.signal, "signal")
        faults.checkName(startRequest.workflowID, "start.workflow_id")
        faults.checkSize(request.payload, "payload")
        if let status = faults.status { return call.fail(status) }
        let payload = Coordination.Payload(orEmptyObject: request.payload)
        withCheckedJSON(payload, "payload", call) {
            let signal = RunSignal(name: request.signal, payload: payload)
            start(startRequest, at: "start.", signal: signal, call) { run, existing in
                var response = SignalWithStartResponse()
                response.runID = run.description
                response.existing = existing
                call.respond(response)
            }
        }
    }

    /// See `DecideApproval` in the proto.
    public func decideApproval(
        _ request: DecideApprovalRequest, _ call: UnaryCall<DecideApprovalResponse>
    ) {
        var faults = FieldFaults()
        faults.checkName(request.step, "step")
        faults.checkName(request.actor, "actor")
        faults.checkReason(request.comment, "comment")
        faults.checkSize(request.form, "form")
        faults.checkRequestID(request.requestID)
        let decision = Coordination.ApprovalDecision(request.decision)
        faults.check(decision != nil, "decision", "must be APPROVE or REJECT")
        if let status = faults.status { return call.fail(status) }
        guard let decision, let reference = reference(request.run, call) else { return }
        let form = Coordination.Payload(orEmptyObject: request.form)
        withCheckedJSON(form, "form", call) {
            let answer = ApprovalAnswer(
                step: request.step, decision: decision, actor: request.actor,
                comment: request.comment, form: request.form == nil ? [] : form.bytes)
            operate(
                reference, .decide(answer), request.requestID, call,
                DecideApprovalResponse.init(run:))
        }
    }

    // MARK: Parts

    private func operate<Response>(
        _ request: some ReasonedRequest, _ operation: RunOperation, _ call: UnaryCall<Response>,
        _ make: @escaping (Messages.Run) -> Response
    ) {
        var faults = FieldFaults()
        faults.checkReason(request.reason, "reason")
        faults.checkRequestID(request.requestID)
        if let status = faults.status { return call.fail(status) }
        guard let reference = reference(request.run, call) else { return }
        operate(reference, operation, request.requestID, call, make)
    }

    private func operate<Response>(
        _ reference: Engine.RunReference, _ operation: RunOperation, _ requestID: String,
        _ call: UnaryCall<Response>, _ make: @escaping (Messages.Run) -> Response
    ) {
        let order = OperateRun(run: reference, operation: operation, requestID: requestID)
        ask(call, { .operateRun(order, $0) }) { answer in
            guard case .operated(let summary) = answer else { return nil }
            return make(Run(summary))
        }
    }
}

/// Requests that name a run, a reason and a request id.
private protocol ReasonedRequest {
    var run: Messages.RunReference? { get }
    var reason: String { get }
    var requestID: String { get }
}

extension TerminateRunRequest: ReasonedRequest {}
extension PauseRunRequest: ReasonedRequest {}
extension ResumeRunRequest: ReasonedRequest {}
extension RetryRunRequest: ReasonedRequest {}

extension FieldFaults {
    mutating func checkReason(_ reason: String, _ field: String) {
        check(reason.utf8.count <= 1_024, field, "is over 1,024 bytes")
    }

    mutating func checkRequestID(_ id: String) {
        check(id.utf8.count <= 256, "request_id", "is over 256 bytes")
    }
}

extension Messages.DeadLetter {
    init(_ letter: Engine.DeadLetter) {
        self.init()
        runID = letter.run.description
        workflowID = letter.workflowID
        workflow = letter.definition
        step = letter.step.id
        agentType = letter.step.agentType
        operation = letter.step.operation
        attempts = Int32(clamping: letter.step.attempts)
        failure = letter.step.failure.map(Failure.init)
        parkedUnixMillis = letter.parkedMillis
    }
}
