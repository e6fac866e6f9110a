import Synchronization

/// A token that at most one thread holds and nobody waits for: whoever finds it free does the
/// work of all, the others leave theirs and go on (flat combining).
///
/// It makes a passive object, such as the engine, run on whichever thread comes by, one at a time:
///
///     mailbox.post(command, lane: .work)
///     gate.combine(while: { !mailbox.isEmpty }) { engine.drainAndDecide() }
///
/// What the holder of the token wrote is visible to the next holder (acquire and release).
public final class TokenGate: Sendable {
    @usableFromInline let taken = Atomic<Bool>(false)

    /// A gate whose token is free.
    @inlinable
    public init() {}

    /// Takes the token if it is free; never blocks. Whoever gets `true` must `release`.
    @inlinable
    public func tryAcquire() -> Bool {
        !taken.exchange(true, ordering: .acquiring)
    }

    /// Gives the token back. Only its holder may call this, and must then look once more for
    /// work that was left meanwhile, else it may lie until the next caller.
    @inlinable
    public func release() {
        let wasTaken = taken.exchange(false, ordering: .releasing)
        precondition(wasTaken, "TokenGate.release without the token")
    }

    /// Runs `turn` under the token as long as there is work and the token is free.
    ///
    /// Nothing is left lying: a thread that leaves work *before* calling this either gets the
    /// token, or the holder sees that work when it looks again after giving the token back.
    /// That needs `hasWork` to read under the same lock that posting takes, as
    /// ``Mailbox/isEmpty`` does.
    ///
    /// - Returns: how many turns this call ran; zero when another thread holds the token.
    @inlinable
    @discardableResult
    public func combine(while hasWork: () -> Bool, _ turn: () -> Void) -> Int {
        var turns = 0
        while hasWork() {
            guard tryAcquire() else { return turns }
            turn()
            release()
            turns += 1
        }
        return turns
    }
}
