import Coordination
import Store

@testable import Engine

extension EngineBench {
    mutating func publish(
        _ topic: String, _ json: String, requestID: String = "", in namespace: String = "default"
    ) -> Result<PublishedEvent, Rejection> {
        publish(.json(topic, json), requestID: requestID, in: namespace)
    }

    mutating func publish(
        _ content: PublicationContent, requestID: String = "", in namespace: String = "default",
        statedPublisher: String? = nil
    ) -> Result<PublishedEvent, Rejection> {
        let item = PublishEvents.Item(
            content: content, requestID: requestID, statedPublisher: statedPublisher)
        let answer = ask {
            .event(.publish(PublishEvents(namespace: Namespace(namespace), items: [item])), $0)
        }
        guard case .event(.outcomes(let outcomes)) = answer, let outcome = outcomes.first else {
            return .failure(
                answer?.rejection ?? Rejection(.unavailable, reason: "NONE", "no answer"))
        }
        return outcome
    }

    mutating func put(_ topic: String, _ limits: TopicLimits) -> TopicView? {
        let name = TopicReference(namespace: .default, topic: topic)
        let answer = ask { .event(.putTopic(name, limits, by: .nobody), $0) }
        guard case .event(.topic(let view)) = answer else { return nil }
        return view
    }

    mutating func topics(
        _ pattern: String = ">", after: String? = nil, limit: Int = 100
    ) -> [TopicView] {
        guard let pattern = TopicPattern(pattern) else { return [] }
        let answer = ask {
            .event(.listTopics(.default, pattern, after: after, limit: limit), $0)
        }
        guard case .event(.topics(let views, _, _)) = answer else { return [] }
        return views
    }

    mutating func join(
        _ patterns: [String], _ start: JoinTopics.Start, refusesGap: Bool = true
    ) -> JoinedTopics? {
        let join = JoinTopics(
            namespace: .default, patterns: patterns.compactMap { TopicPattern($0) }, start: start,
            refusesGap: refusesGap)
        guard case .event(.joined(let joined)) = ask({ .event(.join(join), $0) }) else {
            return nil
        }
        return joined
    }

    mutating func refusal(_ patterns: [String], _ start: JoinTopics.Start) -> Rejection? {
        let join = JoinTopics(
            namespace: .default, patterns: patterns.compactMap { TopicPattern($0) }, start: start)
        return ask { .event(.join(join), $0) }?.rejection
    }

    /// What a follower was told, by sequence.
    func told(_ call: UInt64) -> [Int64] {
        (answers[call] ?? []).flatMap { answer -> [Int64] in
            guard case .event(.published(let publications)) = answer else { return [] }
            return publications.map(\.sequence)
        }
    }

    /// Up to where a follower was told that topics were removed, each time.
    func toldRemoved(_ call: UInt64) -> [[String: Int64]] {
        (answers[call] ?? []).compactMap { answer in
            if case .event(.removed(let topics)) = answer { topics } else { nil }
        }
    }

    mutating func delete(topic: String) {
        let name = TopicReference(namespace: .default, topic: topic)
        send { .event(.deleteTopic(name, by: .nobody), $0) }
    }

    mutating func launch(_ workflow: String, input: String = "{}") {
        send {
            .startRun(
                StartRun(
                    namespace: .default, definition: workflow, workflowID: "",
                    input: Payload(bytes: Array(input.utf8)), requestID: "", conflict: .fail), $0)
        }
    }
}

extension PublicationContent {
    static func json(_ topic: String, _ json: String) -> PublicationContent {
        PublicationContent(topic: topic, payload: Payload(bytes: Array(json.utf8)))
    }
}

extension EngineLimits {
    /// The documented bounds, some of them changed.
    init(_ change: (inout EngineLimits) -> Void) {
        self.init()
        change(&self)
    }
}

// Subscriptions.
extension EngineBench {
    /// Puts one; whether anything changed.
    @discardableResult
    mutating func subscribe(
        _ name: String, _ patterns: [String], _ targets: [SubscriptionTarget],
        _ policy: DeliveryPolicy = .defaults, filter: String = "", isPaused: Bool = false,
        summary: String = ""
    ) -> Bool? {
        let definition = SubscriptionDefinition(
            name: name, patterns: patterns.compactMap { TopicPattern($0) }, filter: filter,
            targets: targets, policy: policy, isPaused: isPaused, summary: summary)
        let answer = ask {
            .event(.subscription(.put(.default, definition, by: .nobody)), $0)
        }
        guard case .event(.subscription(.put(_, let changed))) = answer else { return nil }
        return changed
    }

    /// The first target of one.
    mutating func status(_ name: String) -> SubscriberView? {
        let name = SubscriptionName(namespace: .default, name: name)
        let answer = ask { .event(.subscription(.get(name)), $0) }
        guard case .event(.subscription(.one(let view))) = answer else { return nil }
        return view.targets.first
    }

    mutating func requeue(
        _ name: String, _ sequence: Int64, target: String = "", isDiscarded: Bool = false
    ) -> Answer? {
        let name = SubscriptionName(namespace: .default, name: name)
        return ask {
            .event(
                .subscription(
                    .requeue(
                        name, target: target, sequence: sequence, isDiscarded: isDiscarded,
                        by: .nobody)), $0)
        }
    }

    /// What a stream was ordered.
    private func orders(_ stream: UInt64) -> [StreamOrder] {
        (answers[stream] ?? []).compactMap { answer in
            if case .event(.subscription(.order(let order))) = answer { order } else { nil }
        }
    }

    /// Where a stream was to go on, each time.
    func resumes(_ stream: UInt64) -> [Int64] {
        orders(stream).compactMap {
            if case .resume(_, let from, _, _) = $0 { from } else { nil }
        }
    }

    func redelivered(_ stream: UInt64) -> [Int64] {
        orders(stream).compactMap {
            if case .redeliver(let publication, _) = $0 { publication.sequence } else { nil }
        }
    }

    func isHeld(_ stream: UInt64) -> Bool {
        let last = orders(stream).last {
            switch $0 {
            case .hold, .resume: true
            case .acknowledged, .redeliver: false
            }
        }
        if case .hold = last { return true }
        return false
    }

    /// The number under which a stream sends now.
    func flow(_ stream: UInt64) -> UInt32 {
        for order in orders(stream).reversed() {
            if case .resume(let flow, _, _, _) = order { return flow }
        }
        return 0
    }
}
