import Coordination
import Threads

/// How a host makes the instances of one pool.
final class PoolMaker: Sendable {
    let policy: PoolPolicy
    private let make: @Sendable () async throws -> (seat: AgentSeat, AgentRegistration)
    private let numbers = Locked(0)

    init(
        _ policy: PoolPolicy,
        _ make: @escaping @Sendable () async throws -> (seat: AgentSeat, AgentRegistration)
    ) {
        self.policy = policy
        self.make = make
    }

    /// Makes an instance under a name that no other has had.
    func next() async throws -> (AgentSeat, AgentRegistration) {
        var (seat, registration) = try await make()
        let number = numbers.withLock { number in
            number += 1
            return number
        }
        registration.id = AgentID("\(registration.type)/\(number)")
        return (seat, registration)
    }

    /// Makes what takes the place of an instance that could not be reset.
    func replacement() async throws -> AgentSeat { try await make().seat }
}

/// Pools: instances that are made when work waits and destroyed when they are idle.
extension AgentHost {
    /// Serves an agent type with as many instances as are wanted, within `policy`. Each is made by
    /// `make`, whose first call is awaited: what cannot be made is found here. Ids are `type/1`,
    /// `type/2`, ..., and never used again.
    ///
    /// A ``PooledAgent`` does one assignment at a time and is reset before each but its first.
    ///
    /// - Throws: what `make` throws, or ``PoolFault`` when the policy is wrong.
    public func add<A: Agent>(
        pool policy: PoolPolicy, _ make: @escaping @Sendable () async throws -> A
    ) async throws {
        if let fault = policy.faults.first { throw PoolFault(fault) }
        var policy = policy
        if A.self is any PooledAgent.Type { policy.slots = 1 }
        let slots = policy.slots
        let maker = PoolMaker(policy) { [weak self] in
            guard let self else { throw CancellationError() }
            let agent = try await make()
            return (
                try self.seat(for: agent, isPooled: true),
                Self.registration(of: agent, slots: slots)
            )
        }
        let (seat, registration) = try await maker.next()
        makers.withLock { $0[A.type] = maker }
        // In this order, so that the pool begins with it.
        join(seat, registration)
        sink.poolJoined(
            PoolRegistration(type: A.type, operations: registration.operations, policy: policy),
            port: self)
    }

    /// Makes and retires instances as the engine wants them.
    public func arrange(_ orders: [InstanceOrder]) {
        for order in orders {
            switch order {
            case .create(let type, let count): for _ in 0..<count { create(type) }
            case .retire(let id): retire(id)
            }
        }
    }

    private func create(_ type: String) {
        guard let maker = makers.withLock({ $0[type] }) else { return }
        Task.detached(executorPreference: shared) { [self] in
            do {
                let (seat, registration) = try await maker.next()
                // The host may have left meanwhile.
                guard makers.withLock({ $0[type] === maker }) else { return await end(seat) }
                join(seat, registration)
            } catch {
                sink.instanceFailed(type: type, message: "\(error)")
            }
        }
    }

    private func retire(_ id: AgentID) {
        let (left, isShared) = seats.withLock { seats in
            let left = seats.removeValue(forKey: id)
            // Instances that were added together sit on one seat.
            return (left, seats.values.contains { $0 === left })
        }
        guard let left else { return }
        sink.agentsLeft([id])
        if isShared { return }
        Task.detached(executorPreference: shared) { [self] in await end(left) }
    }

    private func end(_ seat: AgentSeat) async {
        await seat.retire()
        if seat.executor !== shared { seat.executor.stop() }
    }

    private func join(_ seat: AgentSeat, _ registration: AgentRegistration) {
        seats.withLock { $0[registration.id] = seat }
        sink.agentsJoined([registration], port: self)
    }

    /// Begins work of an instance that is reset before it is used again.
    func beginRenewed(_ assignment: Assignment, at seat: AgentSeat) -> Task<Void, Never> {
        let outbox = self.outbox
        let isUsed = seat.isUsed
        return seat.follow { before in
            Task.detached(executorPreference: seat.executor) { [self] in
                await before?.value
                // The one before may have got another instance into the place.
                var place = seats.withLock { $0[assignment.agent] } ?? seat
                if isUsed {
                    do {
                        place = try await renewed(place, assignment.agent)
                    } catch {
                        return outbox.finished(Self.notRenewed(assignment, error))
                    }
                }
                outbox.finished(await Self.perform(assignment, at: place, signals: outbox))
            }
        }
    }

    /// The instance as new, or another one in its place.
    private func renewed(_ seat: AgentSeat, _ id: AgentID) async throws -> AgentSeat {
        do {
            try await seat.reset?()
            return seat
        } catch {
            let type = String(id.name.prefix { $0 != "/" })
            guard let maker = makers.withLock({ $0[type] }) else { throw error }
            await end(seat)
            let other = try await maker.replacement()
            other.takeOver(from: seat)
            seats.withLock { if $0[id] != nil { $0[id] = other } }
            return other
        }
    }

    private static func notRenewed(_ assignment: Assignment, _ error: any Error) -> AssignmentResult
    {
        let now = SystemClock.monotonicNanos()
        return AssignmentResult(
            token: assignment.token,
            outcome: .failure(
                StepFailure(
                    type: "instance_not_made",
                    message:
                        "\(assignment.agent) could not be reset, nor another one made: \(error)",
                    retryable: true)),
            startedNanos: now, endedNanos: now)
    }
}

/// A policy of a pool that cannot be.
public struct PoolFault: Error, Sendable, CustomStringConvertible {
    /// What is wrong with it.
    public let fault: FieldFault

    init(_ fault: FieldFault) { self.fault = fault }

    /// The field and what is wrong with it.
    public var description: String { "\(fault.field) \(fault.description)" }
}
