import Coordination
import Engine
import GRPC
import Messages
import Store
import Stubs

extension EventServiceProvider {
    // MARK: Topics

    /// Makes a topic or changes its limits.
    public func putTopic(_ request: PutTopicRequest, _ call: UnaryCall<PutTopicResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkTopic(request.topic, "topic")
        let limits = faults.limits(request.limits)
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let name = TopicReference(namespace: namespace, topic: request.topic)
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        ask(call, .putTopic(name, limits, by: by)) { answer in
            guard case .topic(let view) = answer else { return .failure(.unexpectedAnswer) }
            return .success(PutTopicResponse(topic: Messages.Topic(view)))
        }
    }

    /// Forgets a topic and its history.
    public func deleteTopic(
        _ request: DeleteTopicRequest, _ call: UnaryCall<DeleteTopicResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkTopic(request.topic, "topic")
        faults.checkSignature(actor: request.actor, requestID: request.requestID)
        if let status = faults.status { return call.fail(status) }
        let name = TopicReference(namespace: namespace, topic: request.topic)
        let by = call.signature(actor: request.actor, requestID: request.requestID)
        ask(call, .deleteTopic(name, by: by)) { answer in
            guard case .topicDeleted(let removed) = answer else {
                return .failure(.unexpectedAnswer)
            }
            return .success(DeleteTopicResponse(removed: removed))
        }
    }

    /// A page of topics by ascending name.
    public func listTopics(_ request: ListTopicsRequest, _ call: UnaryCall<ListTopicsResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let size = faults.page(size: request.pageSize, token: request.pageToken)
        let pattern =
            request.pattern.isEmpty
            ? TopicPattern.all : faults.pattern(request.pattern, "pattern").first
        guard let pattern, faults.status == nil else {
            return call.fail(faults.status ?? .unexpectedAnswer)
        }
        let after = request.pageToken.isEmpty ? nil : request.pageToken
        ask(call, .listTopics(namespace, pattern, after: after, limit: size)) { answer in
            guard case .topics(let views, let more, let newest) = answer else {
                return .failure(.unexpectedAnswer)
            }
            var response = ListTopicsResponse()
            response.topics = views.map(Messages.Topic.init)
            response.nextPageToken = more ? views.last?.name ?? "" : ""
            response.newestSequence = newest
            return .success(response)
        }
    }

    // MARK: History

    /// A page of publications by ascending sequence.
    public func listHistory(
        _ request: ListHistoryRequest, _ call: UnaryCall<ListHistoryResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let size = faults.page(size: request.pageSize, token: "")
        let patterns = faults.pattern(request.pattern, "pattern")
        let filter = faults.filter(request.filter, "filter")
        faults.check(
            request.fromSequence >= 0, "from_sequence",
            "is \(request.fromSequence); sequences start at 1")
        if let status = faults.status { return call.fail(status) }
        let wantsOldest = request.fromSequence <= 1
        let join = JoinTopics(
            namespace: namespace, patterns: patterns,
            start: wantsOldest ? .oldest : .from(request.fromSequence), refusesGap: false)
        let reading = HistoryReading(
            join: join, filter: filter, size: size, host: host,
            link: links.link(on: call.eventLoop), call: call)
        reading.begin()
    }
}

/// A page of history while it is read: where it begins, what the store has, what of that was removed
/// meanwhile. Confined to its loop.
private final class HistoryReading {
    private let join: JoinTopics
    private let filter: EventFilter?
    private let size: Int
    private let host: EngineHost
    private let link: EngineLink
    private let call: UnaryCall<ListHistoryResponse>
    private var response = ListHistoryResponse()
    private var newest: Int64 = 0

    /// Bytes of publications in a page; a single one may be larger than what is left.
    private static let maxBytes = 3 << 20

    init(
        join: JoinTopics, filter: EventFilter?, size: Int, host: EngineHost, link: EngineLink,
        call: UnaryCall<ListHistoryResponse>
    ) {
        self.join = join
        self.filter = filter
        self.size = size
        self.host = host
        self.link = link
        self.call = call
    }

    func begin() {
        ask(.join(join)) { answer in
            guard case .joined(let joined) = answer else { return self.fail() }
            self.newest = joined.newest
            if joined.gapThrough > 0 {
                self.response.gap = EventGap(
                    fromSequence: joined.next, throughSequence: joined.gapThrough)
            }
            if joined.next > joined.newest { return self.call.respond(self.response) }
            self.read(joined)
        }
    }

    private func read(_ joined: JoinedTopics) {
        let range = PublicationRange(
            namespace: join.namespace.name, patterns: join.patterns, from: joined.next,
            through: joined.newest, limit: size, maxBytes: Self.maxBytes)
        let hop = call.hop { (result: Result<PublicationPage, Rejection>) in
            switch result {
            case .failure(let rejection): self.call.fail(rejection.status)
            case .success(let page): self.check(page)
            }
        }
        host.publications(range, completion: hop)
    }

    private func check(_ page: PublicationPage) {
        let topics = Set(page.publications.map(\.content.topic))
        let question = CheckTopics(
            namespace: join.namespace, patterns: join.patterns, topics: Array(topics))
        ask(.check(question)) { answer in
            guard case .checked(let checked) = answer else { return self.fail() }
            for publication in page.publications {
                let content = publication.content
                let isHeld = publication.sequence > checked.byTopic[content.topic] ?? 0
                let fits = self.filter.map { filter in
                    filter.fits(content, filter.usesPayload ? content.document() : nil)
                }
                if isHeld, fits != false {
                    self.response.publications.append(Messages.Publication(publication))
                }
            }
            if page.scannedThrough < self.newest {
                self.response.nextSequence = page.scannedThrough + 1
            }
            self.call.respond(self.response)
        }
    }

    private func ask(_ command: EventCommand, _ receiver: @escaping (EventAnswer) -> Void) {
        guard call.isOpen else { return }
        let ticket = link.ask({ .event(command, $0) }) { answer in
            guard case .event(let own) = answer else { return self.call.fail(answer.refusal) }
            receiver(own)
        }
        call.onCancel { _ in self.link.abandon(ticket) }
    }

    private func fail() { call.fail(.unexpectedAnswer) }
}
