import Coordination
import Engine
import Logging
import Threads

/// Carries out the actions of emergency plans that name an agent: calls it, and acknowledges the order
/// when it succeeded. The engine gives an order again until it is acknowledged; one that is still
/// being carried out is not begun twice. An action and its undo never run side by side: the newer
/// order waits until the agent has answered the older one, so that the newer one has the last word.
final class EmergencyRunner: Sendable {
    private struct Name: Sendable, Hashable {
        var namespace: Namespace
        var action: String
    }

    private struct Work: Sendable {
        var order: EmergencyResponse.Order
        var call: EmergencyAction.Call
    }

    private let port = Locked<AskPort?>(nil)
    private let turns = Locked(NewestInTurn<Name, Work>())
    private let log: Logger

    /// How long one try may take, nanoseconds.
    private static let limitNanos: Int64 = 60_000_000_000

    init(log: Logger) { self.log = log }

    /// From now on orders are carried out on this host; earlier ones come again.
    func attach(_ host: EngineHost) {
        let port = AskPort(host)
        self.port.withLock { $0 = port }
    }

    /// Takes an order. Returns at once.
    func carryOut(
        _ namespace: Namespace, _ order: EmergencyResponse.Order, _ call: EmergencyAction.Call
    ) {
        guard let port = port.withLock({ $0 }) else { return }
        let name = Name(namespace: namespace, action: order.action)
        let work = Work(order: order, call: call)
        guard turns.withLock({ $0.take(work, number: order.number, of: name) }) else { return }
        Task {
            var next: Work? = work
            while let work = next {
                await run(work.order, work.call, namespace, port)
                next = turns.withLock { $0.ended(name) }
            }
        }
    }

    private func run(
        _ order: EmergencyResponse.Order, _ call: EmergencyAction.Call, _ namespace: Namespace,
        _ port: AskPort
    ) async {
        let now = SystemClock.monotonicNanos()
        let invoke = Invoke(
            namespace: namespace, agentType: call.agentType, operation: call.operation,
            payload: call.payload, deadlineNanos: now + Self.limitNanos, arrivedNanos: now,
            priority: 1)
        let answer = await port.ask { .invoke(invoke, $0) }
        guard case .invoked(let done) = answer, case .success = done.outcome else {
            return log.error(
                "an emergency action failed and will be tried again",
                metadata: [
                    "action": "\(order.action)", "undo": "\(order.isUndo)",
                    "attempt": "\(order.attempt)", "answer": "\(answer)",
                ])
        }
        let by = Signature(actor: "server", reason: "carried out")
        _ = await port.ask {
            .breaker(
                .acknowledge(namespace, action: order.action, number: order.number, by: by), $0)
        }
    }
}
