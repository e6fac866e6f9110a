import Messages
import Threads

/// What the server says of its services, and who wants to be told of changes.
///
/// Any thread may read and set. The service named "" is the server as a whole. Watchers are told
/// under the lock, so that each is told of changes in the order in which they came; what they are
/// told by must only pass it on, as a hop to an event loop does.
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
        var isShutDown = false

        mutating func setAll(_ status: Status) {
            let changed = statuses.filter { $0.value != status }
            for service in changed.keys { statuses[service] = status }
            for watcher in watchers.values where changed[watcher.service] != nil {
                watcher.tell(.status(status))
            }
        }
    }

    private let state: Locked<State>

    /// All of `services`, and the server as a whole, begin as not serving.
    public init(services: [String]) {
        var statuses: [String: Status] = ["": .notServing]
        for service in services { statuses[service] = .notServing }
        state = Locked(State(statuses: statuses))
    }

    /// Sets every service and the server as a whole, and tells the watchers whose service changed.
    /// Does nothing after ``shutDown()``.
    public func setAll(_ status: Status) {
        state.withLock { state in
            if !state.isShutDown { state.setAll(status) }
        }
    }

    /// Says NOT_SERVING to everybody and ends all watches, also those that come later, so that none
    /// keeps a server from going.
    public func shutDown() {
        state.withLock { state in
            state.setAll(.notServing)
            state.isShutDown = true
            for watcher in state.watchers.values { watcher.tell(.end) }
            state.watchers.removeAll()
        }
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
    /// After ``shutDown()`` that is all it is told, and the watch ends.
    func watch(_ service: String, _ tell: @escaping @Sendable (News) -> Void) -> WatchID {
        state.withLock { state in
            state.nextWatch += 1
            let id = WatchID(number: state.nextWatch)
            tell(.status(state.statuses[service] ?? .serviceUnknown))
            if state.isShutDown {
                tell(.end)
            } else {
                state.watchers[id] = Watcher(service: service, tell: tell)
            }
            return id
        }
    }

    /// Removes a watcher.
    func unwatch(_ id: WatchID) {
        _ = state.withLock { $0.watchers.removeValue(forKey: id) }
    }
}
