import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// Serves `cadre.v1.BreakerService`: circuit breakers and the operating mode.
///
/// Runs on the socket loops; holds nothing of a call but closures on its link.
public struct BreakerServiceProvider: BreakerServiceHandler {
    let links: EngineLinks

    /// Serves the engine behind `links`.
    public init(links: EngineLinks) { self.links = links }

    // MARK: Putting

    /// Makes a breaker or changes one, after every bad field was named.
    public func putBreaker(_ request: PutBreakerRequest, _ call: UnaryCall<PutBreakerResponse>) {
        guard let namespace = call.namespace() else { return }
        guard let message = request.breaker else { return call.fail(.missing("breaker")) }
        var faults = FieldFaults()
        let definition = Coordination.BreakerDefinition(message, &faults)
        faults.add(definition.faults)
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let put = PutBreaker(
            namespace: namespace, definition: definition,
            signature: call.signature(actor: request.actor, requestID: request.requestID))
        ask(call, .put(put)) { answer in
            guard case .breaker(let view) = answer else { return nil }
            return PutBreakerResponse(breaker: Messages.Breaker(view))
        }
    }

    /// Deletes a breaker.
    public func deleteBreaker(
        _ request: DeleteBreakerRequest, _ call: UnaryCall<DeleteBreakerResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.name, "name")
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        ask(call, .delete(namespace, name: request.name, by: by)) { answer in
            guard case .deleted = answer else { return nil }
            return DeleteBreakerResponse()
        }
    }

    /// Forces a breaker, or lets it go.
    public func forceBreaker(
        _ request: ForceBreakerRequest, _ call: UnaryCall<ForceBreakerResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkName(request.name, "name")
        faults.checkDuration(request.durationMillis, "duration_millis")
        let millis = request.durationMillis == 0 ? nil : request.durationMillis
        let change: ForceBreaker.Change? =
            switch request.action {
            case .forceOpen: .override(.forcedOpen, forMillis: millis)
            case .disable: .override(.disabled, forMillis: millis)
            case .metricsOnly: .override(.metricsOnly, forMillis: millis)
            case .release: .release
            case .reset: .reset
            case .unspecified, .unrecognized: nil
            }
        faults.check(
            change != nil, "action", "is \(request.action.rawValue); set one that this server knows"
        )
        var isOverride = false
        if case .override = change { isOverride = true }
        faults.checkSignature(
            actor: request.actor, reason: request.reason, needsReason: isOverride,
            requestID: request.requestID)
        guard faults.status == nil, let change else {
            return call.fail(faults.status ?? .unexpectedAnswer)
        }
        let force = ForceBreaker(
            namespace: namespace, name: request.name, change: change,
            signature: call.signature(
                actor: request.actor, reason: request.reason, requestID: request.requestID))
        ask(call, .force(force)) { answer in
            guard case .breaker(let view) = answer else { return nil }
            return ForceBreakerResponse(breaker: Messages.Breaker(view))
        }
    }

    // MARK: Looking

    /// The breakers of the namespace, by name.
    public func listBreakers(
        _ request: ListBreakersRequest, _ call: UnaryCall<ListBreakersResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkPage(size: request.pageSize, token: request.pageToken)
        if let status = faults.status { return call.fail(status) }
        ask(call, .list(namespace)) { answer in
            guard case .breakers(let views) = answer else { return nil }
            let rest = views.filter { $0.definition.name > request.pageToken }
                .sorted { $0.definition.name < $1.definition.name }
            let page = rest.page(limit: request.pageSize, Messages.Breaker.init)
            let last = page.isWhole ? nil : page.entries.last?.definition?.name
            return ListBreakersResponse(breakers: page.entries, nextPageToken: last ?? "")
        }
    }

    /// One breaker, with why it tripped.
    public func getBreaker(_ request: GetBreakerRequest, _ call: UnaryCall<GetBreakerResponse>) {
        guard let namespace = call.namespace(), let name = name(request.name, call) else { return }
        ask(call, .get(namespace, name: name)) { answer in
            guard case .breaker(let view) = answer else { return nil }
            return GetBreakerResponse(breaker: Messages.Breaker(view))
        }
    }

    /// All breakers, then each change.
    public func watchBreakers(
        _ request: WatchBreakersRequest, _ call: ServerStreamCall<WatchBreakersResponse>
    ) {
        do throws(GRPCStatus) {
            let namespace = try call.metadata.namespace()
            let watch = StateWatch(link: links.link(on: call.eventLoop), call: call) { answer in
                guard case .breaker(let answer) = answer else { return nil }
                return WatchBreakersResponse.all(answer)
            }
            watch.begin { .breaker(.watch(namespace), $0) }
        } catch {
            call.fail(error)
        }
    }

    // MARK: Parts

    /// A name that is right; a wrong one refuses the call and gives `nil`.
    func name<Response>(_ name: String, _ call: UnaryCall<Response>) -> String? {
        var faults = FieldFaults()
        faults.checkName(name, "name")
        guard let status = faults.status else { return name }
        call.fail(status)
        return nil
    }

    /// Asks the engine once and responds with what `make` reads from the answer; `nil` from it means
    /// the answer is a refusal.
    func ask<Response>(
        _ call: UnaryCall<Response>, _ command: BreakerCommand,
        _ make: @escaping (BreakerAnswer) -> Response?
    ) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .breaker(command, $0) }) { answer in
            if case .breaker(let own) = answer, let response = make(own) {
                call.respond(response)
            } else {
                call.fail(answer.refusal)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }
}

extension WatchBreakersResponse {
    /// What a watcher is told; `nil`: that was not for watchers.
    fileprivate static func all(_ answer: BreakerAnswer) -> [WatchBreakersResponse]? {
        switch answer {
        case .snapshot(let views):
            let page = views.page(Messages.Breaker.init)
            // What does not fit into one message follows as changes.
            return [.init(update: .snapshot(BreakerSnapshot(breakers: page.entries)))]
                + views.dropFirst(page.entries.count).map { .init(update: .changed(.init($0))) }
        case .changed(let view): return [.init(update: .changed(.init(view)))]
        case .deleted(let name): return [.init(update: .deleted(name))]
        default: return nil
        }
    }
}
