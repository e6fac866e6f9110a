/// How many connections each listener may have open, of the descriptors that the process may have.
///
/// A listener that runs out of descriptors can answer nobody, not even with a refusal; so it closes
/// what is too much on arrival instead, while there is one left to accept it with.
struct ConnectionShares: Equatable {
    /// Of the gRPC port; at most 10,000.
    let calls: Int
    /// Of the console; at most 1,000. Probes need room beside whoever opens connections and says
    /// nothing.
    let console: Int

    /// The store, its readers and backups, agents' own sockets, and what is accepted to be closed.
    private static let reserve = 128
    private static let mostCalls = 10_000
    private static let mostConsole = 1_000

    /// Shares for a limit of so many descriptors: the console gets an eighth.
    init(descriptors: Int) {
        let free = max(descriptors - Self.reserve, 16)
        console = min(Self.mostConsole, free / 8)
        calls = min(Self.mostCalls, free - console)
    }

    /// Whether the limit takes connections away.
    var isShort: Bool { calls < Self.mostCalls || console < Self.mostConsole }
}
