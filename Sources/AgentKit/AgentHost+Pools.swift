import Coordination
import Threads

/// How a host makes the instances of one pool.
final class PoolMaker: Sendable {
    let policy: PoolPolicy
    private let make: @Sendable () async throws -> AgentSeat
    private let numbers = Locked(0)

    init(_ policy: PoolPolicy, _ make: @escaping @Sendable () async throws -> AgentSeat) {
        self.policy = policy
        self.make = make
    }

    /// Makes an instance under a name that no other has had.
    func next() async throws -> (AgentSeat, AgentRegistration) {
        let seat = try await make()
        let number = numbers.withLock { number in
            number += 1
            return number
        }
        return (seat, seat.registration(number: number, slots: policy.slots))
    }

    /// Makes what takes the place of an instance that could not be reset.
    func replacement() async throws -> AgentSeat { try await make() }
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
        let maker = PoolMaker(policy) { [weak self] in
            guard let self else { throw CancellationError() }
            return try self.seat(for: await make(), isPooled: true)
        }
        let (seat, registration) = try await maker.next()
        makers.withLock { $0[A.type] = maker }
        // In this order, so that the pool begins with it.
        join(seat, [registration])
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
                guard makers.withLock({ $0[type] === maker }) else {
                    return await seat.end(shared)
                }
                join(seat, [registration])
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
        Task.detached(executorPreference: shared) { [shared] in await left.endWhenIdle(shared) }
    }

    /// Begins work of an instance that is reset before it is used again.
    func beginRenewed(_ assignment: Assignment, at seat: AgentSeat) -> Task<Void, Never> {
        let isUsed = seat.isUsed
        return seat.follow { before in
            // On the shared thread: the instance's own may end meanwhile, with the instance.
            Task.detached(executorPreference: shared) { [self] in
                await before?.value
                // The one before may have got another instance into the place.
                let place = seats.withLock { $0[assignment.agent] } ?? seat
                let (result, left) = await performRenewed(assignment, at: place, isUsed)
                outbox.finished(result)
                if let left { await left.end(shared) }
            }
        }
    }

    /// - Returns: besides the result, the instance that is to be ended.
    private func performRenewed(
        _ assignment: Assignment, at seat: AgentSeat, _ isUsed: Bool
    ) async -> (AssignmentResult, AgentSeat?) {
        var (place, left): (AgentSeat, AgentSeat?) = (seat, nil)
        if isUsed, !Task.isCancelled {
            do {
                (place, left) = try await renewed(seat, assignment.agent)
            } catch {
                return (Self.notRenewed(assignment, error), nil)
            }
        }
        let result = await withTaskExecutorPreference(place.executor) { [place, outbox] in
            await Self.perform(assignment, at: place, signals: outbox)
        }
        return (result, left)
    }

    /// The instance as new, or another one in its place.
    ///
    /// - Returns: besides, the one of the two that is of no more use after this assignment.
    private func renewed(
        _ seat: AgentSeat, _ id: AgentID
    ) async throws -> (AgentSeat, left: AgentSeat?) {
        do {
            try await withTaskExecutorPreference(seat.executor) {
                if let reset = seat.reset { try await reset() }
            }
            return (seat, nil)
        } catch {
            guard let maker = makers.withLock({ $0[seat.type] }) else { throw error }
            let other = try await maker.replacement()
            other.takeOver(from: seat)
            let isReplaced = seats.withLock { seats in
                guard seats[id] === seat else { return false }
                seats[id] = other
                return true
            }
            // Whoever took the instance out meanwhile ends it.
            return (other, isReplaced ? seat : other)
        }
    }

    private static func notRenewed(
        _ assignment: Assignment, _ error: any Error
    ) -> AssignmentResult {
        notBegun(
            assignment,
            StepFailure(
                type: "instance_not_made",
                message: "\(assignment.agent) could not be reset, nor another one made: \(error)",
                retryable: true))
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
