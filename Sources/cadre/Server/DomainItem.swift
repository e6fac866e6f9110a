import Coordination
import Engine
import Logging

/// Asks the engine one thing, as ``AskPort`` does.
typealias EngineQuestion = @Sendable ((ReplyTicket) -> Command) async -> Answer

/// One thing that the domain wants stored: put unless it is there. One that somebody has put under
/// its name is theirs and stays.
struct DomainItem: Sendable {
    /// For people, such as `breaker mexc-exchange`.
    let name: String
    /// Puts it; why not, if the engine refuses it. May be called again.
    let put: @Sendable (EngineQuestion) async -> Rejection?

    private static let signature = Signature(actor: "server", reason: "of the domain")

    /// A workflow. One that is stored in another version is told to `log`.
    static func workflow(_ definition: WorkflowDefinition, _ log: Logger) -> DomainItem {
        DomainItem(name: "workflow \(definition.name)") { ask in
            if case .definitions(let stored) = await ask({ .listDefinitions(.default, $0) }),
                let found = stored.first(where: { $0.name == definition.name })
            {
                if found.version != definition.version { announce(found, definition, log) }
                return nil
            }
            let put = PutDefinition(namespace: .default, definition: definition)
            return await ask { .putDefinition(put, $0) }.rejection
        }
    }

    private static func announce(
        _ found: WorkflowDefinition, _ definition: WorkflowDefinition, _ log: Logger
    ) {
        log.notice(
            "keeping a stored workflow",
            metadata: [
                "workflow": "\(found.name)", "stored": "\(found.version)",
                "built_in": "\(definition.version)",
            ])
    }

    /// A breaker.
    static func breaker(_ definition: BreakerDefinition) -> DomainItem {
        DomainItem(name: "breaker \(definition.name)") { ask in
            let known = await ask { .breaker(.get(.default, name: definition.name), $0) }
            if case .breaker = known { return nil }
            let put = PutBreaker(
                namespace: .default, definition: definition, signature: signature)
            return await ask { .breaker(.put(put), $0) }.rejection
        }
    }

    /// An event route.
    static func route(_ definition: SubscriptionDefinition) -> DomainItem {
        DomainItem(name: "subscription \(definition.name)") { ask in
            let name = SubscriptionName(namespace: .default, name: definition.name)
            let known = await ask { .event(.subscription(.get(name)), $0) }
            if case .event = known { return nil }
            return await ask {
                .event(.subscription(.put(.default, definition, by: signature)), $0)
            }.rejection
        }
    }
}

extension Answer {
    /// Why not, if that is what it says.
    fileprivate var rejection: Rejection? {
        if case .rejected(let rejection) = self { rejection } else { nil }
    }
}
