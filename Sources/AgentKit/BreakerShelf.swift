import Coordination
import Threads

/// The breakers that agents of one host use, each made once.
public final class BreakerShelf: Sendable {
    /// How many names are kept; a handle past them is made anew each time it is asked for.
    private static let maxHandles = 1_000

    private let link: any BreakerLink
    private let handles = Locked<[String: BreakerHandle]>([:])

    /// Breakers behind `link`.
    public init(link: any BreakerLink) { self.link = link }

    /// The breaker of a name in the server's default namespace. One that nobody has put lets every
    /// call pass, until somebody puts it.
    public subscript(name: String) -> BreakerHandle {
        if let known = handles.withLock({ $0[name] }) { return known }
        let made = BreakerHandle(name, link: link)
        return handles.withLock { handles in
            if let known = handles[name] { return known }
            if handles.count < Self.maxHandles { handles[name] = made }
            return made
        }
    }
}
