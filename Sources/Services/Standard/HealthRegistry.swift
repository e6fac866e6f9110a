import Messages
import Threads

/// What the server says of its services, and who wants to be told of changes.
///
/// Any thread may read and set. The service named "" is the server as a whole.
public final class HealthRegistry: Sendable {
    /// The states of the standard health interface.
    public typealias Status = GrpcHealthV1.HealthCheckResponse.ServingStatus

    /// Names one watcher until it is removed.
    struct WatchID: Hashable, Sendable {
        let number: UInt64
    }

    /// What a watcher is told.
    enum News: Sendable {
        case status(Status)
        /// The server is going: nothing follows.
        case end
    }

    private struct Watcher {
        let service: String
        let tell: @Sendable (News) -> Void
    }

    private struct State {
        var statuses: [String: Status]
        var watchers: [WatchID: Watcher] = [:]
        var nextWatch: UInt64 = 0
    }

    private let state: Locked<State>

    /// All of `services`, and the server as a whole, begin as not serving.
    public init(services: [String]) {
        var statuses: [String: Status] = ["": .notServing]
        for service in services { statuses[service] = .notServing }
        state = Locked(State(statuses: statuses))
    }

    /// Sets every service and the server as a whole, and tells the watchers whose service changed.
    public func setAll(_ status: Status) {
        let told = state.withLock { state in
            let changed = state.statuses.filter { $0.value != status }
            for service in changed.keys { state.statuses[service] = status }
            return state.watchers.values.filter { changed[$0.service] != nil }.map(\.tell)
        }
        for tell in told { tell(.status(status)) }
    }

    /// Says NOT_SERVING to everybody and ends all watches, so that none keeps a server from going.
    public func shutDown() {
        setAll(.notServing)
        let told = state.withLock { state in
            let told = state.watchers.values.map(\.tell)
            state.watchers.removeAll()
            return told
        }
        for tell in told { tell(.end) }
    }

    /// Whether the server as a whole says that it serves.
    public var isServing: Bool { status(of: "") == .serving }

    /// The state of a service; `nil` when there is none of that name.
    func status(of service: String) -> Status? {
        state.withLock { $0.statuses[service] }
    }

    /// All services with their states.
    var all: [(String, Status)] {
        state.withLock { $0.statuses.map { ($0.key, $0.value) } }
    }

    /// Adds a watcher and tells it the state of now; a service that is not there may come later.
    func watch(_ service: String, _ tell: @escaping @Sendable (News) -> Void) -> WatchID {
        let (id, status) = state.withLock { state in
            state.nextWatch += 1
            let id = WatchID(number: state.nextWatch)
            state.watchers[id] = Watcher(service: service, tell: tell)
            return (id, state.statuses[service] ?? .serviceUnknown)
        }
        tell(.status(status))
        return id
    }

    /// Removes a watcher.
    func unwatch(_ id: WatchID) {
        _ = state.withLock { $0.watchers.removeValue(forKey: id) }
    }
}
