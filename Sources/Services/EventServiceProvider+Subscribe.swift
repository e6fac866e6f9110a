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
        case .durable: call.fail(.unimplemented(EventServiceDescriptor.subscribe))
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
        guard link.feeds.open() else {
            return call.fail(
                Rejection(
                    .overloaded, reason: "TOO_MANY_SUBSCRIBERS",
                    "too many streams are open for events; try again later",
                    retryAfterMillis: 5_000
                ).status)
        }
        let stream = EventStream(
            namespace: namespace, interest: EventInterest(patterns: patterns, filter: filter),
            host: host, link: link, feed: link.feeds.feed(namespace), call: call)
        stream.begin(start)
    }
}
