import AgentKit
import Coordination
import Engine
import Store
import Testing
import Threads

@testable import cadre

@Suite(.timeLimit(.minutes(1))) struct EngineBreakerLinkTests {
    /// Follows a breaker, and ends with its last owner, as a handle does.
    private final class Follower: Sendable {
        private let link: EngineBreakerLink
        private let number = Locked<UInt64>(0)
        let onSight: @Sendable (BreakerSight?) -> Void
        let onEnd: @Sendable () -> Void

        init(
            _ link: EngineBreakerLink, onSight: @escaping @Sendable (BreakerSight?) -> Void,
            onEnd: @escaping @Sendable () -> Void
        ) {
            self.link = link
            self.onSight = onSight
            self.onEnd = onEnd
            let number = link.follow("b") { [weak self] sight, _ in self?.onSight(sight) }
            self.number.withLock { $0 = number }
        }

        deinit {
            link.unfollow("b", number.withLock { $0 })
            onEnd()
        }
    }

    private func put(_ host: EngineHost) {
        let definition = BreakerDefinition(name: "b", rules: .calls(BreakerPolicy()))
        host.post([
            .breaker(
                .put(
                    PutBreaker(
                        namespace: .default, definition: definition,
                        signature: Signature(actor: "ann"))), ReplyTicket(port: .max, call: 1))
        ])
    }

    @Test func `a handle let go of while it is told`() async throws {
        let host = try await EngineHost.start(store: InMemoryStore())
        let link = EngineBreakerLink(host)
        let owner = Locked<Follower?>(nil)
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        owner.withLock { owned in
            owned = Follower(link) { sight in
                // The last owner lets go while it is told.
                if sight != nil { _ = owner.withLock { $0.take() } }
            } onEnd: {
                end.finish()
            }
        }
        put(host)
        for await _ in ends {}
        #expect(BreakerHandle("b", link: link).state == .closed)
        host.close()
    }
}
