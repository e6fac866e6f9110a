import Coordination
import Store

@testable import Engine

/// An operator who forces breakers and isolates agents, and a breaker that guards one of the types.
extension Simulation {
    static let guardPort = 7
    static let breakerName = "guard"

    /// Something that the operator was told is done.
    struct Acknowledged {
        /// What the breaker was forced to; `nil`: nothing.
        var forced: BreakerOverride.Kind?
        /// Whether a command that may change it is under way.
        var isOpen = false
        /// The number of the newest such command.
        var call: UInt64 = 0
    }

    func guardsAct() {
        queue.add(.guardsAct, at: after(millis: random.int(20...400)))
        guard engine != nil, !acknowledged.isOpen else { return }
        guardCalls += 1
        let ticket = ReplyTicket(port: Self.guardPort, call: guardCalls)
        let by = Signature(actor: "operator", reason: "chance")
        switch random.int(0...6) {
        case 0:
            submit(.breaker(.put(put(by)), ticket))
        case 1: submit(force(random.chance(0.5) ? .forcedOpen : .metricsOnly, by, ticket))
        case 2, 3: submit(force(nil, by, ticket))
        case 4:
            submit(
                .isolation(
                    .isolate(
                        agentID(random.int(0...4)), forMillis: Int64(random.int(1...500)), by: by),
                    ticket))
        case 5: submit(pauseKey(random.int(0...500), random.int(0...1), ticket))
        default: submit(.isolation(.restore(agentID(random.int(0...4)), by: by), ticket))
        }
    }

    private func submit(_ command: Command) {
        if case .breaker = command {
            acknowledged.isOpen = true
            acknowledged.call = guardCalls
        }
        engine?.submit(command)
    }

    private func pauseKey(_ millis: Int, _ key: Int, _ ticket: ReplyTicket) -> Command {
        .keys(
            .pause(
                PauseKey(
                    name: KeyName(namespace: .default, name: "k\(key)"),
                    untilMillis: now.wallMillis + Int64(millis),
                    signature: Signature(actor: "operator"))), ticket)
    }

    /// Nothing stays paused: a clock that was set back would make a pause long.
    func resumeKeys() {
        for key in 0...1 {
            guardCalls += 1
            let ticket = ReplyTicket(port: Self.guardPort, call: guardCalls)
            engine?.submit(pauseKey(-1_000_000, key, ticket))
        }
    }

    private func put(_ by: Signature) -> PutBreaker {
        var policy = BreakerPolicy(
            window: .calls(10), minimumCalls: 3, failureRate: 0.4,
            halfOpenPermits: 3, successesToClose: 2, permitMillis: 300, openMillis: 50,
            maxOpenMillis: 400, decayMillis: 500)
        policy.severity = random.chance(0.5) ? .critical : .high
        return PutBreaker(
            namespace: .default,
            definition: BreakerDefinition(
                name: Self.breakerName, rules: .calls(policy),
                binding: .init(agentType: "t0")), signature: by)
    }

    private func force(
        _ kind: BreakerOverride.Kind?, _ by: Signature, _ ticket: ReplyTicket
    ) -> Command {
        let change = kind.map { ForceBreaker.Change.override($0, forMillis: nil) } ?? .release
        return .breaker(
            .force(
                ForceBreaker(
                    namespace: .default, name: Self.breakerName, change: change, signature: by)),
            ticket)
    }

    /// The breaker as the store has it.
    private var storedBreaker: GuardingBreaker? {
        let row = store.entities.first { $0.entityKind == .breaker && $0.key == Self.breakerName }
        return row?.blob.flatMap { try? BreakerCodec.decode($0, at: now) }
    }

    /// What the operator is told must be on disk, and stays so over every kill.
    func receiveGuard(_ reply: Reply) {
        // An answer to an isolation says nothing of the breaker, and one to an older command nothing
        // of what the newest, which may share its batch, has made of it.
        guard reply.ticket.call == acknowledged.call else { return }
        acknowledged.isOpen = false
        guard case .breaker(.breaker(let view)) = reply.answer else { return }
        acknowledged.forced = view.override?.kind
        guard let stored = storedBreaker else {
            problems.append("a breaker was told of that is not on disk")
            return
        }
        if stored.override?.kind != view.override?.kind {
            problems.append("an override was told of that is not on disk")
        }
    }

    /// After a kill nobody knows whether what was under way took place: the store does.
    func guardsKilled() {
        lastMode = .normal
        guard acknowledged.isOpen else { return }
        acknowledged.isOpen = false
        acknowledged.forced = storedBreaker?.override?.kind
    }

    /// All else that the operator was told stands.
    func auditGuards() {
        guard var engine else { return }
        problems += GuardAudit.faults(engine, at: now)
        let before = lastMode
        let mode = engine.mode(of: .default)
        lastMode = mode
        if before == .emergency, mode == .normal {
            problems.append("the mode jumped from emergency to normal")
        }
        guard !acknowledged.isOpen, engine.breakers.restored.isEmpty,
            let cell = engine.breakers.index[
                ScopedName(namespace: .default, name: Self.breakerName)]
        else { return }
        if engine.breakers.cells[cell].breaker.override?.kind != acknowledged.forced {
            problems.append("an acknowledged override was lost")
        }
    }

    /// What the operator said last may not have been heard: no engine lived, or its disk was full.
    func stayHealed() {
        healGuards()
        queue.add(.guardsAct, at: after(millis: 5_000))
    }

    /// The operator goes home: nothing stays forced.
    func healGuards() {
        guardCalls += 1
        let ticket = ReplyTicket(port: Self.guardPort, call: guardCalls)
        submit(force(nil, Signature(actor: "operator"), ticket))
        resumeKeys()
    }
}
