import Coordination
import Engine
import GRPC
import JSON
import Messages
import NIOCore
import Stubs

/// Serves `cadre.v1.WorkflowService`: definitions and durable runs.
///
/// Runs on the socket loops; holds nothing of a call but closures on its link.
public struct WorkflowServiceProvider: WorkflowServiceHandler {
    let links: EngineLinks
    let host: EngineHost

    /// Serves `host` through `links`.
    public init(links: EngineLinks, host: EngineHost) {
        self.links = links
        self.host = host
    }

    // MARK: Definitions

    /// See `PutDefinition` in the proto.
    public func putDefinition(
        _ request: PutDefinitionRequest, _ call: UnaryCall<PutDefinitionResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        guard let definition = request.definition else {
            return call.fail(.missing("definition"))
        }
        if let status = definition.unknownChoices.status { return call.fail(status) }
        let put = PutDefinition(
            namespace: namespace, definition: Coordination.WorkflowDefinition(definition))
        ask(call, { .putDefinition(put, $0) }, refusal: \.refusalOfDefinition) { answer in
            guard case .definitionPut(let changed) = answer else { return nil }
            var response = PutDefinitionResponse()
            response.changed = changed
            return response
        }
    }

    /// See `GetDefinition` in the proto.
    public func getDefinition(
        _ request: GetDefinitionRequest, _ call: UnaryCall<GetDefinitionResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.name, "name")
        if let status = faults.status { return call.fail(status) }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .listDefinitions(namespace, $0) }) { answer in
            guard case .definitions(let all) = answer else {
                return call.fail(answer.refusal)
            }
            guard let found = all.first(where: { $0.name == request.name }) else {
                return call.fail(Self.noDefinition(request.name, among: all))
            }
            var response = GetDefinitionResponse()
            response.definition = Messages.WorkflowDefinition(found)
            call.respond(response)
        }
        call.onCancel { _ in link.abandon(ticket) }
    }

    /// See `ListDefinitions` in the proto.
    public func listDefinitions(
        _ request: ListDefinitionsRequest, _ call: UnaryCall<ListDefinitionsResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkPage(size: request.pageSize, token: request.pageToken)
        if let status = faults.status { return call.fail(status) }
        ask(call, { .listDefinitions(namespace, $0) }) { answer in
            guard case .definitions(let all) = answer else { return nil }
            let rest = all.filter { $0.name > request.pageToken }.sorted { $0.name < $1.name }
            let page = rest.page(limit: request.pageSize, Messages.WorkflowDefinition.init)
            var response = ListDefinitionsResponse()
            response.definitions = page.entries
            if !page.isWhole { response.nextPageToken = page.entries.last?.name ?? "" }
            return response
        }
    }

    // MARK: Starting

    /// See `StartRun` in the proto.
    public func startRun(_ request: StartRunRequest, _ call: UnaryCall<StartRunResponse>) {
        start(request, call) { run, existing in
            var response = StartRunResponse()
            response.runID = run.description
            response.existing = existing
            call.respond(response)
        }
    }

    /// See `ExecuteRun` in the proto.
    public func executeRun(_ request: ExecuteRunRequest, _ call: UnaryCall<ExecuteRunResponse>) {
        guard let namespace = call.namespace() else { return }
        guard let startRequest = request.start else { return call.fail(.missing("start")) }
        start(startRequest, at: "start.", call) { run, _ in
            awaitEnd(of: .run(namespace, run), follows: true, call) { summary, result in
                var response = ExecuteRunResponse()
                response.run = Run(summary)
                response.result = result.map(Messages.Payload.init)
                return response
            }
        }
    }

    /// Responds when a run has ended.
    ///
    /// - Parameter follows: whether the successors of a run that continues as new count as it. Each
    ///   is found, since it began in the change that ended the one before.
    func awaitEnd<Response>(
        of run: Engine.RunReference, follows: Bool, _ call: UnaryCall<Response>,
        _ make: @escaping (RunSummary, Coordination.Payload?) -> Response
    ) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .awaitRun(run, $0) }) { answer in
            guard case .runClosed(let summary, let result) = answer else {
                return call.fail(answer.refusal)
            }
            if follows, let next = summary.continuedAs {
                let successor = Engine.RunReference.run(summary.namespace, next)
                return awaitEnd(of: successor, follows: true, call, make)
            }
            call.respond(make(summary, result))
        }
        call.onCancel { _ in link.abandon(ticket) }
    }

    /// Checks and starts; calls `then` with the run when the start is on disk.
    ///
    /// - Parameter place: where the start stands in the request, for the names of bad fields.
    func start<Response>(
        _ request: StartRunRequest, at place: String = "", signal: RunSignal? = nil,
        _ call: UnaryCall<Response>, _ then: @escaping (RunID, _ existing: Bool) -> Void
    ) {
        guard let namespace = call.namespace(), validated(request, at: place, call) else { return }
        let input = Coordination.Payload(orEmptyObject: request.input)
        withCheckedJSON(input, "\(place)input", call) {
            let start = StartRun(
                namespace: namespace, definition: request.workflow,
                workflowID: request.workflowID, input: input, requestID: request.requestID,
                conflict: signal == nil
                    ? StartRun.ConflictPolicy(request.conflictPolicy) : .useExisting,
                signal: signal, reuse: StartRun.ReusePolicy(request.reusePolicy),
                attributes: request.attributes.compactMap(Coordination.RunAttribute.init),
                trace: call.metadata.trace)
            let link = links.link(on: call.eventLoop)
            let ticket = link.ask({ .startRun(start, $0) }) { answer in
                guard case .started(let run, let existing) = answer else {
                    return call.fail(answer.refusal(of: place))
                }
                then(run, existing)
            }
            call.onCancel { _ in link.abandon(ticket) }
        }
    }

    func validated<Response>(
        _ request: StartRunRequest, at place: String, _ call: UnaryCall<Response>
    ) -> Bool {
        var faults = FieldFaults(place: place)
        faults.checkName(request.workflow, "workflow")
        faults.check(request.workflowID.utf8.count <= 256, "workflow_id", "is over 256 bytes")
        faults.check(request.requestID.utf8.count <= 256, "request_id", "is over 256 bytes")
        faults.checkSize(request.input, "input")
        if case .unrecognized(let value) = request.conflictPolicy {
            faults.check(false, "conflict_policy", "is \(value), which this server does not know")
        }
        if case .unrecognized(let value) = request.reusePolicy {
            faults.check(false, "reuse_policy", "is \(value), which this server does not know")
        }
        faults.checkAttributes(request.attributes)
        if let status = faults.status { call.fail(status) }
        return faults.status == nil
    }

    // MARK: Looking

    /// See `AwaitRun` in the proto.
    public func awaitRun(_ request: AwaitRunRequest, _ call: UnaryCall<AwaitRunResponse>) {
        guard let reference = reference(request.run, call) else { return }
        let follows = request.follow || reference.isByWorkflow
        awaitEnd(of: reference, follows: follows, call) { summary, result in
            var response = AwaitRunResponse()
            response.run = Run(summary)
            response.result = result.map(Messages.Payload.init)
            return response
        }
    }

    /// See `GetRun` in the proto.
    public func getRun(_ request: GetRunRequest, _ call: UnaryCall<GetRunResponse>) {
        guard let reference = reference(request.run, call) else { return }
        ask(call, { .getRun(reference, $0) }) { answer in
            guard case .run(let summary, let result) = answer else { return nil }
            var response = GetRunResponse()
            response.run = Run(summary)
            response.result = result.map(Messages.Payload.init)
            return response
        }
    }

    /// See `CancelRun` in the proto.
    public func cancelRun(_ request: CancelRunRequest, _ call: UnaryCall<CancelRunResponse>) {
        guard let reference = reference(request.run, call) else { return }
        guard request.reason.utf8.count <= 1_024 else {
            return call.fail(.bad("reason", "is over 1,024 bytes"))
        }
        let cancel = CancelRun(run: reference, reason: request.reason)
        ask(call, { .cancelRun(cancel, $0) }) { answer in
            guard case .cancelled(let summary) = answer else { return nil }
            var response = CancelRunResponse()
            response.run = Run(summary)
            return response
        }
    }

    // MARK: Parts

    /// Asks the engine once and responds with what `make` reads from the answer; `nil` from it
    /// means the answer is a refusal. For a call that has ended nothing is asked: nobody would be
    /// left to abandon it.
    func ask<Response>(
        _ call: UnaryCall<Response>, _ command: (ReplyTicket) -> Command,
        refusal: @escaping (Answer) -> GRPCStatus = \.refusal,
        _ make: @escaping (Answer) -> Response?
    ) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask(command) { answer in
            if let response = make(answer) {
                call.respond(response)
            } else {
                call.fail(refusal(answer))
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }

    /// The run a request names; a wrong name refuses the call and gives `nil`.
    func reference<Response>(
        _ reference: Messages.RunReference?, _ call: UnaryCall<Response>
    ) -> Engine.RunReference? {
        guard let namespace = call.namespace() else { return nil }
        do throws(GRPCStatus) {
            return try Engine.RunReference(reference, in: namespace)
        } catch {
            call.fail(error)
            return nil
        }
    }

    /// Goes on when the payload is JSON; big ones are checked off the socket loop.
    func withCheckedJSON<Response>(
        _ payload: Coordination.Payload, _ field: String, _ call: UnaryCall<Response>,
        _ then: @escaping () -> Void
    ) {
        guard payload.bytes.count > Self.inlineCheckBytes else {
            return Self.goOn(call, fault: Self.jsonFault(payload, field), then)
        }
        let loop = call.eventLoop
        let parked = NIOLoopBound({ Self.goOn(call, fault: $0, then) }, eventLoop: loop)
        let isTaken = host.offload {
            let fault = Self.jsonFault(payload, field)
            loop.execute { parked.value(fault) }
        }
        if !isTaken { call.fail(Self.tooMuchWaits) }
    }

    /// What a socket loop checks itself: about 100 microseconds of work.
    private static let inlineCheckBytes = 64 << 10

    private static var tooMuchWaits: GRPCStatus {
        Rejection(
            .overloaded, reason: "PREPARATION_FULL",
            "too many large inputs wait to be checked; try again later", retryAfterMillis: 200
        ).status
    }

    /// The caller may have gone while its payload was checked; then nothing is begun for it.
    private static func goOn<Response>(
        _ call: UnaryCall<Response>, fault: GRPCStatus?, _ then: () -> Void
    ) {
        guard call.isOpen else { return }
        if let fault { call.fail(fault) } else { then() }
    }

    private static func jsonFault(
        _ payload: Coordination.Payload, _ field: String
    ) -> GRPCStatus? {
        guard payload.contentType == Coordination.Payload.json else {
            return .bad(
                "\(field).content_type", "is \(Excerpt(payload.contentType)); runs take JSON")
        }
        do throws(JSONError) {
            _ = try JSONDocument(parsing: payload.bytes)
            return nil
        } catch {
            return .bad(field, "is not JSON: \(Excerpt("\(error)", maxBytes: 300))")
        }
    }

    private static func noDefinition(
        _ name: String, among all: [Coordination.WorkflowDefinition]
    ) -> GRPCStatus {
        let known = all.map(\.name).sorted().prefix(10).map { Excerpt($0).description }
            .joined(separator: ", ")
        return Rejection(
            .notFound, reason: "WORKFLOW_NOT_FOUND",
            "no workflow \(Excerpt(name)) is defined in this namespace; "
                + (known.isEmpty ? "none is" : "defined are: \(known)")
        ).status
    }
}

extension StartRun.ReusePolicy {
    init(_ message: Messages.ReusePolicy) {
        switch message {
        case .allowIfFailed: self = .allowIfFailed
        case .reject: self = .reject
        default: self = .allow
        }
    }
}

extension StartRun.ConflictPolicy {
    init(_ message: Messages.ConflictPolicy) {
        switch message {
        case .useExisting: self = .useExisting
        case .terminateExisting: self = .terminateExisting
        case .enqueue: self = .enqueue
        default: self = .fail
        }
    }
}

extension Answer {
    /// The status of an answer that is not what was asked for.
    var refusal: GRPCStatus {
        if case .rejected(let rejection) = self { return rejection.status }
        return .unexpectedAnswer
    }

    /// The same for a part of a request, whose fields the engine names without their place.
    func refusal(of place: String) -> GRPCStatus {
        guard case .rejected(var rejection) = self, !place.isEmpty else { return refusal }
        rejection.fields = rejection.fields.map {
            FieldFault(field: place + $0.field, description: $0.description)
        }
        return rejection.status
    }
}

extension GRPCStatus {
    /// INVALID_ARGUMENT for one field.
    static func bad(_ field: String, _ description: String) -> GRPCStatus {
        Rejection(
            .invalid, reason: "INVALID_REQUEST", "\(field) \(description)",
            fields: [FieldFault(field: field, description: description)]
        ).status
    }

    /// INVALID_ARGUMENT for a field that must be set.
    static func missing(_ field: String) -> GRPCStatus { bad(field, "is required") }
}

extension Engine.RunReference {
    /// Whether it means whatever run bears a workflow id, rather than one in particular.
    var isByWorkflow: Bool {
        if case .workflow = self { true } else { false }
    }

    /// Reads a reference off the wire.
    init(_ reference: Messages.RunReference?, in namespace: Namespace) throws(GRPCStatus) {
        switch reference?.by {
        case .runID(let text):
            guard let run = RunID(text) else {
                throw .bad("run.run_id", "is not a run id; those are 16 hexadecimal digits")
            }
            self = .run(namespace, run)
        case .workflowID(let name):
            guard (1...256).contains(name.utf8.count) else {
                throw .bad("run.workflow_id", "must be 1 to 256 bytes")
            }
            self = .workflow(namespace, name)
        case nil: throw .missing("run")
        }
    }
}
