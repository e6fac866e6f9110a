import Engine
import NIOCore
import Threads

/// Carries answers from the engine to one socket loop: one wake-up per drain, however many.
///
/// `Sendable`; the link itself is not and stays on its loop.
final class LoopReplyPort: ReplyPort {
    private let loop: any EventLoop
    private let link: NIOLoopBound<EngineLink>
    private let waiting = Locked<[Reply]>([])

    /// Must be made on the link's loop.
    init(_ link: EngineLink, loop: any EventLoop) {
        self.loop = loop
        self.link = NIOLoopBound(link, eventLoop: loop)
    }

    func deliver(_ replies: [Reply]) {
        let wasEmpty = waiting.withLock { waiting in
            let wasEmpty = waiting.isEmpty
            waiting.append(contentsOf: replies)
            return wasEmpty
        }
        if wasEmpty { loop.execute { self.hand() } }
    }

    private func hand() {
        let replies = waiting.withLock { waiting in
            let replies = waiting
            waiting.removeAll(keepingCapacity: true)
            return replies
        }
        link.value.deliver(replies)
    }
}
