import CrashKit
import GRPC
import Messages
import Stubs

/// One client: works on keys and locks until the server is gone. What was not answered then is asked
/// again of the next server, under the same request id, so that it has one answer in the end.
actor SharingWorker {
    /// A write that has no answer yet.
    private struct Doubt {
        var key: String
        var input: KeyModel.Input
        var call: Int64
        var requestID: String
    }

    /// A lock that is held or wanted.
    private struct Hold {
        var lock: String
        var owner: String
        var call: Int64
        var grant: LockGrant?
        /// When its release was asked for first.
        var releaseCall: Int64?
    }

    private let name: String
    private let record: Record
    private var random: SeededRandom
    private var number = 0
    private var doubt: Doubt?
    private var hold: Hold?
    /// Tokens that were given back, with their locks.
    private var stale: (lock: String, token: UInt64)?
    /// Revisions seen last, to swap at.
    private var seen: [String: Int64] = [:]

    init(number: Int, seed: UInt64, _ record: Record) {
        name = "w\(number)"
        self.number = number * 1_000_000
        self.record = record
        random = SeededRandom(seed: StableMix.mix(seed))
    }

    /// Works until the server is gone.
    func work(_ client: GRPCClient) async {
        do throws(GRPCStatus) {
            try await settle(client)
            while !Task.isCancelled {
                if Int.random(in: 0..<3, using: &random) == 0 {
                    try await lockOnce(client)
                } else {
                    try await keyOnce(client)
                }
            }
        } catch {
            return
        }
    }

    /// Settles what is open, gives back what is held, and reads every key once more.
    func finish(_ client: GRPCClient) async {
        do throws(GRPCStatus) {
            try await settle(client)
            if hold != nil { try await release(client) }
            for key in 0..<4 { try await get("k\(key)", client) }
        } catch {
            if let doubt { await note(doubt, end: nil, nil) }
        }
    }

    private func settle(_ client: GRPCClient) async throws(GRPCStatus) {
        if doubt != nil { try await askAgain(client) }
        if hold != nil, hold?.grant == nil { try await acquire(client) }
        if hold?.releaseCall != nil { try await release(client) }
    }

    // MARK: Keys

    private func keyOnce(_ client: GRPCClient) async throws(GRPCStatus) {
        let key = "k\(Int.random(in: 0..<4, using: &random))"
        number += 1
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<3: try await get(key, client)
        case 3: begin(key, .delete)
        case 4..<7: begin(key, .put(number))
        default: begin(key, .swap(expected: seen[key] ?? 0, number))
        }
        if doubt != nil { try await askAgain(client) }
    }

    private func begin(_ key: String, _ input: KeyModel.Input) {
        doubt = Doubt(key: key, input: input, call: record.now, requestID: "\(name)-\(number)")
    }

    private func get(_ key: String, _ client: GRPCClient) async throws(GRPCStatus) {
        let call = record.now
        var output = KeyModel.Output.nothing
        do throws(GRPCStatus) {
            let response = try await MemoryServiceClient(client: client)
                .get(MemoryServiceGetRequest(key: key), options: .brief)
            let entry = response.entry ?? MemoryEntry()
            let value = Int(String(decoding: entry.value?.data ?? [], as: UTF8.self)) ?? -1
            output = .read(value: value, revision: entry.revision)
            seen[key] = entry.revision
        } catch {
            guard error.code == .notFound else { throw error }
            seen[key] = 0
        }
        await record.note(
            key, Observed(call: call, end: record.now, input: .get, output: output))
    }

    private func askAgain(_ client: GRPCClient) async throws(GRPCStatus) {
        guard let open = doubt else { return }
        let memory = MemoryServiceClient(client: client)
        var output: KeyModel.Output
        do throws(GRPCStatus) {
            output = try await ask(open, memory)
        } catch {
            guard error.code == .aborted,
                let actual = error.detail(GoogleRpc.ErrorInfo.self)?.metadata["actual"]
            else {
                throw error
            }
            output = .mismatch(actual: Int64(actual) ?? -1)
        }
        doubt = nil
        await note(open, end: record.now, output)
    }

    private func ask(
        _ open: Doubt, _ memory: MemoryServiceClient
    ) async throws(GRPCStatus) -> KeyModel.Output {
        if case .delete = open.input {
            let request = MemoryServiceDeleteRequest(key: open.key, requestID: open.requestID)
            return .deleted(try await memory.delete(request, options: .brief).deleted)
        }
        var request = MemoryServicePutRequest(key: open.key, requestID: open.requestID)
        switch open.input {
        case .put(let value): request.value = Payload(data: Array("\(value)".utf8))
        case .swap(let expected, let value):
            request.value = Payload(data: Array("\(value)".utf8))
            request.expectation = .expectedRevision(expected)
        case .get, .delete: break
        }
        return .written(revision: try await memory.put(request, options: .brief).revision)
    }

    private func note(_ open: Doubt, end: Int64?, _ output: KeyModel.Output?) async {
        await record.note(
            open.key, Observed(call: open.call, end: end, input: open.input, output: output))
        guard let end, case .written(let revision) = output else { return }
        seen[open.key] = revision
        await record.wrote(open.key, revision, from: open.call, to: end)
    }

    // MARK: Locks

    private func lockOnce(_ client: GRPCClient) async throws(GRPCStatus) {
        guard let held = hold, let token = held.grant?.holds.first?.fencingToken else {
            number += 1
            hold = Hold(
                lock: "l\(Int.random(in: 0..<2, using: &random))", owner: "\(name)-\(number)",
                call: record.now)
            return try await acquire(client)
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: try await write(held.lock, token, client)
        case 1: if let stale { try await write(stale.lock, stale.token, client) }
        case 2: try await renew(held, token, client)
        default: try await release(client)
        }
    }

    private func acquire(_ client: GRPCClient) async throws(GRPCStatus) {
        guard let wanted = hold else { return }
        let claim = LockClaim(
            resources: [LockResource(name: wanted.lock)], owner: wanted.owner,
            leaseMillis: 3_600_000)
        var output = LockModel.Output.busy
        do throws(GRPCStatus) {
            let response = try await LockServiceClient(client: client).acquire(
                AcquireRequest(claim: claim, requestID: wanted.owner), options: .brief)
            hold?.grant = response.grant
            output = .granted(token: response.grant?.holds.first?.fencingToken ?? 0)
        } catch {
            guard error.code == .aborted else { throw error }
            hold = nil
        }
        await record.note(
            wanted.lock,
            Observed(
                call: wanted.call, end: record.now, input: .acquire(owner: wanted.owner),
                output: output))
    }

    private func release(_ client: GRPCClient) async throws(GRPCStatus) {
        let call = hold?.releaseCall ?? record.now
        hold?.releaseCall = call
        guard let held = hold, let grant = held.grant,
            let token = grant.holds.first?.fencingToken
        else { return }
        _ = try await LockServiceClient(client: client).release(
            ReleaseRequest(acquireID: grant.acquireID, owner: held.owner), options: .brief)
        hold = nil
        stale = (held.lock, token)
        // One of the attempts ended it.
        await record.note(
            held.lock,
            Observed(
                call: call, end: record.now, input: .release(token: token), output: .done(true)))
    }

    private func renew(
        _ held: Hold, _ token: UInt64, _ client: GRPCClient
    ) async throws(GRPCStatus) {
        let call = record.now
        var isHeld = true
        do throws(GRPCStatus) {
            _ = try await LockServiceClient(client: client).renew(
                RenewRequest(acquireID: held.grant?.acquireID ?? "", owner: held.owner),
                options: .brief)
        } catch {
            guard error.code == .notFound else { throw error }
            isHeld = false
        }
        await record.note(
            held.lock,
            Observed(
                call: call, end: record.now, input: .renew(token: token), output: .done(isHeld)))
    }

    /// A write under a token; whether it was taken says whether the lock was held under it.
    private func write(
        _ lock: String, _ token: UInt64, _ client: GRPCClient
    ) async throws(GRPCStatus) {
        let call = record.now
        var request = MemoryServicePutRequest(key: "under-\(lock)")
        request.fence = LockFence(resource: lock, fencingToken: token)
        var isHeld = true
        do throws(GRPCStatus) {
            let response = try await MemoryServiceClient(client: client)
                .put(request, options: .brief)
            await record.wrote(request.key, response.revision, from: call, to: record.now)
        } catch {
            guard error.code == .failedPrecondition else { throw error }
            isHeld = false
        }
        await record.note(
            lock,
            Observed(
                call: call, end: record.now, input: .fencedWrite(token: token),
                output: .done(isHeld)))
    }
}

/// Spreads neighbouring seeds.
enum StableMix {
    static func mix(_ seed: UInt64) -> UInt64 {
        var random = SeededRandom(seed: seed &* 0x9e37_79b9_7f4a_7c15 | 1)
        return random.next()
    }
}
