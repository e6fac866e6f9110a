import Coordination
import NIOCore

/// The feeds of one socket loop, by namespace: each is there while somebody subscribes. Confined to
/// its loop.
final class EventFeeds {
    private unowned let link: EngineLink
    private let loop: any EventLoop
    private var feeds: [Namespace: EventFeed] = [:]
    /// Streams that are open on this loop.
    private(set) var streams = 0

    /// Streams that one loop serves at most.
    static let maxStreams = 10_000

    init(link: EngineLink, loop: any EventLoop) {
        self.link = link
        self.loop = loop
    }

    /// The feed of a namespace.
    func feed(_ namespace: Namespace) -> EventFeed {
        if let feed = feeds[namespace] { return feed }
        let feed = EventFeed(namespace: namespace, link: link, loop: loop) {
            self.feeds[namespace] = nil
        }
        feeds[namespace] = feed
        return feed
    }

    /// Counts another stream; `false`: there are too many.
    func open() -> Bool {
        guard streams < Self.maxStreams else { return false }
        streams += 1
        return true
    }

    /// A stream has ended.
    func close() { streams -= 1 }
}
