import Engine
import NIOCore

/// The engine links of all socket loops. Made once before the server accepts; any thread may look
/// one up, but use it only on its loop.
public final class EngineLinks: Sendable {
    private typealias Entry = (loop: ObjectIdentifier, link: NIOLoopBound<EngineLink>)

    /// One for each core: looked through faster than hashed.
    private let entries: [Entry]

    private init(_ entries: [Entry]) { self.entries = entries }

    /// Makes a link on every loop of `group`.
    public static func attach(
        _ host: EngineHost, to group: any EventLoopGroup
    ) async throws -> EngineLinks {
        var entries: [Entry] = []
        for loop in group.makeIterator() {
            let link = try await loop.submit {
                NIOLoopBound(EngineLink(host: host, loop: loop), eventLoop: loop)
            }.get()
            entries.append((ObjectIdentifier(loop), link))
        }
        return EngineLinks(entries)
    }

    /// The link of the loop that the caller runs on.
    func link(on loop: any EventLoop) -> EngineLink {
        let own = ObjectIdentifier(loop)
        for entry in entries where entry.loop == own { return entry.link.value }
        preconditionFailure("the server must run on the loops its services were attached to")
    }
}
