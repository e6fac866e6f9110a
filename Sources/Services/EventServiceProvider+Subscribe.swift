import Coordination
import Engine
import GRPC
import Messages
import Stubs

extension EventServiceProvider {
    /// Tells publications from a sequence on.
    public func subscribe(
        _ request: SubscribeRequest, _ call: ServerStreamCall<SubscribeResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        switch request.mode {
        case nil: call.fail(.missing("mode"))
        case .volatile(let subscriber): subscribe(subscriber, in: namespace, call)
        case .durable(let subscriber): subscribe(subscriber, in: namespace, call)
        }
    }

    private func subscribe(
        _ subscriber: VolatileSubscriber, in namespace: Namespace,
        _ call: ServerStreamCall<SubscribeResponse>
    ) {
        var faults = FieldFaults()
        let patterns = faults.patterns(subscriber.patterns, "volatile.patterns")
        let filter = faults.filter(subscriber.filter, "volatile.filter")
        let start = faults.start(subscriber.start, "volatile.start")
        if let status = faults.status { return call.fail(status) }
        let link = links.link(on: call.eventLoop)
        guard link.feeds.open() else { return call.fail(Self.tooManyStreams) }
        let stream = EventStream(
            namespace: namespace, interest: EventInterest(patterns: patterns, filter: filter),
            host: host, link: link, feed: link.feeds.feed(namespace), call: call)
        stream.begin(start)
    }

    private static var tooManyStreams: GRPCStatus {
        Rejection(
            .overloaded, reason: "TOO_MANY_SUBSCRIBERS",
            "too many streams are open for events; try again later", retryAfterMillis: 5_000
        ).status
    }

    // MARK: Subscriptions

    private func subscribe(
        _ subscriber: DurableSubscriber, in namespace: Namespace,
        _ call: ServerStreamCall<SubscribeResponse>
    ) {
        var faults = FieldFaults()
        faults.checkName(subscriber.subscription, "durable.subscription")
        faults.check(
            (0...10_000).contains(subscriber.maxUnacknowledged), "durable.max_unacknowledged",
            "is \(subscriber.maxUnacknowledged); 1 to 10000, 0 for the default of 256")
        if let status = faults.status { return call.fail(status) }
        let name = SubscriptionName(namespace: namespace, name: subscriber.subscription)
        let window =
            subscriber.maxUnacknowledged == 0 ? 256 : Int(subscriber.maxUnacknowledged)
        attach(DurableFlow(name: name, window: window), call)
    }

    /// The engine says what the subscription is for, then what its stream is to do.
    private func attach(_ flow: DurableFlow, _ call: ServerStreamCall<SubscribeResponse>) {
        let link = links.link(on: call.eventLoop)
        guard link.feeds.open() else { return call.fail(Self.tooManyStreams) }
        var stream: EventStream?
        var ticket: ReplyTicket?
        ticket = link.follow({ .event(.subscription(.attach(flow.name)), $0) }) { answer in
            if case .event(.subscription(.attached(let attached))) = answer {
                stream = self.stream(attached, flow, link, call)
                stream?.orders = ticket
            } else if case .event(.subscription(.order(let order))) = answer {
                stream?.take(order)
            } else if let stream {
                stream.end(answer.refusal)
            } else {
                link.feeds.close()
                if let ticket { link.abandon(ticket) }
                call.fail(answer.refusal)
            }
        }
        call.onCancel { _ in
            link.feeds.close()
            if let ticket { link.abandon(ticket) }
        }
    }

    private func stream(
        _ attached: AttachedStream, _ flow: DurableFlow, _ link: EngineLink,
        _ call: ServerStreamCall<SubscribeResponse>
    ) -> EventStream? {
        guard call.isOpen else { return nil }
        let filter = try? EventFilter.parse(attached.filter)
        let stream = EventStream(
            namespace: flow.name.namespace,
            interest: EventInterest(patterns: attached.patterns, filter: filter), host: host,
            link: link, feed: link.feeds.feed(flow.name.namespace), call: call)
        stream.flow = flow
        stream.knownRemoved = attached.knownRemoved
        stream.toldThrough = attached.acknowledged
        stream.follow()
        call.send(SubscribeResponse(sequence: attached.acknowledged))
        return stream
    }
}

extension EventStream {
    /// Does what the engine says.
    func take(_ order: StreamOrder) {
        switch order {
        case .hold: flow?.hold()
        case .resume(let number, let from, let failing, let failures):
            flow?.resume(number, failing: failing, failures: failures)
            next = from
            untold = nil
        case .acknowledged(let sequence):
            flow?.acknowledged(sequence)
            // A reader may say that it is done with what it never saw.
            if let next, next <= sequence { self.next = sequence + 1 }
        case .redeliver(let publication, let attempt):
            var frame = EventFrame()
            frame.add(EventEntry(publication))
            frame.close(toldThrough: toldThrough, attempt: attempt, isRequeued: true)
            call.call.send(framed: frame.framed)
        }
        proceed()
    }
}
