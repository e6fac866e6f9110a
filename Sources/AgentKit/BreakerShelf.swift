import Coordination
import Threads

/// The breakers that agents of one host use, each made once.
public final class BreakerShelf: Sendable {
    /// How many names are kept; a handle past them is made anew each time it is asked for.
    private static let maxHandles = 1_000

    private let link: any BreakerLink
    private let handles = Locked<[String: BreakerHandle]>([:])
    private let flusher = Locked<Task<Void, Never>?>(nil)
    private let flushEvery: Duration

    /// Breakers that nobody owns: every call passes.
    static let unguarded = BreakerShelf(link: NoBreakers())

    /// Breakers behind `link`.
    ///
    /// - Parameter flushEvery: how long successes may gather before the breaker hears of them.
    ///   Failures leave at once. Default 1 s.
    public init(link: any BreakerLink, flushEvery: Duration = .seconds(1)) {
        self.link = link
        self.flushEvery = flushEvery
    }

    deinit { flusher.withLock { $0 }?.cancel() }

    /// The breaker of a name in the server's default namespace. One that nobody has put lets every
    /// call pass, until somebody puts it.
    public subscript(name: String) -> BreakerHandle {
        if let known = handles.withLock({ $0[name] }) { return known }
        let made = BreakerHandle(name, link: link)
        let kept = handles.withLock { handles in
            if let known = handles[name] { return known }
            if handles.count < Self.maxHandles { handles[name] = made }
            return made
        }
        beginFlushing()
        return kept
    }

    /// Sends what has gathered in all handles.
    public func flush() {
        for handle in handles.snapshot.values { handle.flush() }
    }

    private func beginFlushing() {
        flusher.withLock { flusher in
            if flusher != nil || link is NoBreakers { return }
            let pause = flushEvery
            flusher = Task.detached { [weak self] in
                while (try? await Task.sleep(for: pause)) != nil {
                    guard let self else { return }
                    self.flush()
                }
            }
        }
    }
}

/// No engine, no breakers.
private struct NoBreakers: BreakerLink {
    func permit(
        _ breaker: String, completion: @escaping @Sendable (PermitDecision?) -> Void
    ) { completion(nil) }

    func report(_ breaker: String, _ reports: [CallReport]) {}

    func follow(
        _ breaker: String, refresh: @escaping @Sendable (BreakerSight?, UInt64) -> Void
    ) -> UInt64 { 0 }

    func unfollow(_ breaker: String, _ number: UInt64) {}
}
