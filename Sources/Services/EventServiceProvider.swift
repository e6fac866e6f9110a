import Coordination
import Engine
import GRPC
import JSON
import Messages
import NIOCore
import Stubs

/// Serves `cadre.v1.EventService`: topics, what is published to them, and who is told.
///
/// Runs on the socket loops; holds nothing of a call but closures on its link.
public struct EventServiceProvider: EventServiceHandler {
    let links: EngineLinks
    let host: EngineHost

    /// Serves `host` through `links`.
    public init(links: EngineLinks, host: EngineHost) {
        self.links = links
        self.host = host
    }

    // MARK: Publishing

    /// Appends one publication.
    public func publish(_ request: PublishRequest, _ call: UnaryCall<PublishResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let content = request.content(peer: call.peer, &faults)
        if let status = faults.status { return call.fail(status) }
        let bytes = content.payload.bytes.count
        withChecked(bytes, call, { [Self.jsonFault(content, "payload")] }) { found in
            if let fault = found.first ?? nil { return call.fail(fault.status) }
            let item = PublishEvents.Item(
                content: content, requestID: request.requestID,
                statedPublisher: request.publisher)
            ask(call, .publish(PublishEvents(namespace: namespace, items: [item]))) { answer in
                guard case .outcomes(let outcomes) = answer, let outcome = outcomes.first else {
                    return .failure(.unexpectedAnswer)
                }
                return outcome.map(PublishResponse.init).mapError(\.status)
            }
        }
    }

    /// Appends many; what is wrong with one is its own outcome.
    public func publishMany(
        _ request: PublishManyRequest, _ call: UnaryCall<PublishManyResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        guard (1...1_000).contains(request.publications.count) else {
            return call.fail(
                .bad("publications", "are \(request.publications.count); 1 to 1,000 are allowed"))
        }
        let peer = call.peer
        let parts = request.publications
        let bytes = parts.reduce(0) { $0 + ($1.payload?.data.count ?? 0) }
        let read: @Sendable () -> [Result<PublishEvents.Item, Rejection>] = {
            parts.enumerated().map { Self.item($1, "publications[\($0)].", peer: peer) }
        }
        withChecked(bytes, call, read) { items in
            self.publishChecked(items, in: namespace, call)
        }
    }

    private func publishChecked(
        _ items: [Result<PublishEvents.Item, Rejection>], in namespace: Namespace,
        _ call: UnaryCall<PublishManyResponse>
    ) {
        let good = items.compactMap { try? $0.get() }
        if good.isEmpty { return call.respond(Self.response(items, [])) }
        ask(call, .publish(PublishEvents(namespace: namespace, items: good))) { answer in
            guard case .outcomes(let outcomes) = answer else { return .failure(.unexpectedAnswer) }
            return .success(Self.response(items, outcomes))
        }
    }

    /// The outcomes in the order of the request.
    private static func response(
        _ items: [Result<PublishEvents.Item, Rejection>],
        _ outcomes: [Result<PublishedEvent, Rejection>]
    ) -> PublishManyResponse {
        var response = PublishManyResponse()
        var rest = outcomes[...]
        for item in items {
            switch item {
            case .failure(let rejection): response.outcomes.append(PublishOutcome(rejection))
            case .success:
                guard let outcome = rest.popFirst() else { continue }
                if case .success = outcome { response.published += 1 }
                response.outcomes.append(PublishOutcome(outcome))
            }
        }
        return response
    }

    private static func item(
        _ request: PublishRequest, _ prefix: String, peer: String
    ) -> Result<PublishEvents.Item, Rejection> {
        var faults = FieldFaults()
        let content = request.content(peer: peer, &faults, prefix: prefix)
        if let fault = faults.rejection ?? jsonFault(content, "\(prefix)payload") {
            return .failure(fault)
        }
        return .success(
            PublishEvents.Item(
                content: content, requestID: request.requestID,
                statedPublisher: request.publisher))
    }

    // MARK: Parts

    /// What a socket loop checks itself: about 100 microseconds of work.
    private static let inlineCheckBytes = 64 << 10

    /// Goes on with what `check` finds; big ones are looked at off the socket loop.
    private func withChecked<Response, Found: Sendable>(
        _ bytes: Int, _ call: UnaryCall<Response>,
        _ check: @escaping @Sendable () -> [Found], _ then: @escaping ([Found]) -> Void
    ) {
        if bytes <= Self.inlineCheckBytes { return then(check()) }
        let hop = call.hop { (found: [Found]) in
            if call.isOpen { then(found) }
        }
        if !host.offload({ hop(check()) }) {
            call.fail(
                Rejection(
                    .overloaded, reason: "PREPARATION_FULL",
                    "too many large payloads wait to be checked; try again later",
                    retryAfterMillis: 200
                ).status)
        }
    }

    /// Whoever says JSON must send it: workflows and filters look into it.
    private static func jsonFault(_ content: PublicationContent, _ field: String) -> Rejection? {
        guard content.isJSON else { return nil }
        do throws(JSONError) {
            _ = try JSONDocument(parsing: content.payload.bytes)
            return nil
        } catch {
            let fault =
                "is not JSON: \(Excerpt("\(error)", maxBytes: 300)); say what it is with "
                + "content_type"
            return Rejection(
                .invalid, reason: "INVALID_REQUEST", "\(field) \(fault)",
                fields: [FieldFault(field: field, description: fault)])
        }
    }

    /// Asks the engine once and responds with what `make` reads from the answer.
    func ask<Response>(
        _ call: UnaryCall<Response>, _ command: EventCommand,
        _ make: @escaping (EventAnswer) -> Result<Response, GRPCStatus>
    ) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .event(command, $0) }) { answer in
            guard case .event(let own) = answer else { return call.fail(answer.refusal) }
            switch make(own) {
            case .success(let response): call.respond(response)
            case .failure(let status): call.fail(status)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }
}
