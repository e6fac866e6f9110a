import Engine
import NIOCore

/// The engine links of all socket loops. Made once before the server accepts; any thread may look
/// one up, but use it only on its loop.
public final class EngineLinks: Sendable {
    private let byLoop: [ObjectIdentifier: NIOLoopBound<EngineLink>]

    private init(_ byLoop: [ObjectIdentifier: NIOLoopBound<EngineLink>]) {
        self.byLoop = byLoop
    }

    /// Makes a link on every loop of `group`.
    public static func attach(
        _ host: EngineHost, to group: any EventLoopGroup
    ) async throws -> EngineLinks {
        var byLoop: [ObjectIdentifier: NIOLoopBound<EngineLink>] = [:]
        for loop in group.makeIterator() {
            byLoop[ObjectIdentifier(loop)] = try await loop.submit {
                NIOLoopBound(EngineLink(host: host, loop: loop), eventLoop: loop)
            }.get()
        }
        return EngineLinks(byLoop)
    }

    /// The link of the loop that the caller runs on.
    func link(on loop: any EventLoop) -> EngineLink {
        guard let bound = byLoop[ObjectIdentifier(loop)] else {
            preconditionFailure("the server must run on the loops its services were attached to")
        }
        return bound.value
    }
}
