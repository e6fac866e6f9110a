import CrashKit
import GRPC
import Messages
import Stubs

/// What all clients saw, by one clock.
actor Record {
    private let start = ContinuousClock.now
    private var keys: [String: [Observed<KeyModel>]] = [:]
    private var locks: [String: [Observed<LockModel>]] = [:]
    /// Acknowledged writes.
    private var writes: [(call: Int64, end: Int64, key: String, revision: Int64)] = []
    /// What the watcher was told, in order.
    private var watched: [(key: String, revision: Int64)] = []
    private var faultsOfWatch: [String] = []

    /// Nanoseconds since the beginning.
    nonisolated var now: Int64 {
        let passed = start.duration(to: .now).components
        return passed.seconds * 1_000_000_000 + passed.attoseconds / 1_000_000_000
    }

    func note(_ key: String, _ operation: Observed<KeyModel>) {
        keys[key, default: []].append(operation)
    }

    func note(_ lock: String, _ operation: Observed<LockModel>) {
        locks[lock, default: []].append(operation)
    }

    func wrote(_ key: String, _ revision: Int64, from call: Int64, to end: Int64) {
        writes.append((call, end, key, revision))
    }

    // MARK: Watching

    /// Watches everything from where the last watch ended, until the server is gone.
    func watch(_ client: GRPCClient) async {
        var request = MemoryServiceWatchRequest()
        request.scope = .prefix("")
        request.fromRevision = (watched.last?.revision ?? 0) + 1
        do {
            let updates = try await MemoryServiceClient(client: client).watch(request)
            for try await update in updates {
                guard case .changes(let changes) = update.update else { continue }
                for change in changes.changes {
                    watched.append((change.entry?.key ?? "", change.entry?.revision ?? 0))
                }
            }
        } catch {
            if error.code != .unavailable, error.code != .cancelled {
                faultsOfWatch.append("the watch from \(request.fromRevision): \(error)")
            }
        }
    }

    /// Waits until the watcher has been told of the newest revision.
    func awaitNewest(_ client: GRPCClient) async {
        let list = try? await MemoryServiceClient(client: client)
            .list(MemoryServiceListRequest(pageSize: 1), options: .brief)
        let newest = list?.revision ?? 0
        for _ in 0..<200 where (watched.last?.revision ?? 0) < newest {
            try? await Task.sleep(for: .milliseconds(50))
        }
        if watched.last?.revision != newest {
            faultsOfWatch.append("the watcher ends at \(watched.last?.revision ?? 0) of \(newest)")
        }
    }

    // MARK: The verdict

    /// Every promise that was broken.
    func faults() -> [String] {
        var faults = faultsOfWatch
        for (key, history) in keys.sorted(by: { $0.key < $1.key })
        where !Linearizability.holds(history) {
            faults.append("key \(key) is not linearizable (\(history.count) operations)")
        }
        for (lock, history) in locks.sorted(by: { $0.key < $1.key })
        where !Linearizability.holds(history) {
            faults.append("lock \(lock) is not linearizable (\(history.count) operations)")
        }
        faults += faultsOfRevisions() + faultsOfWatched()
        var operations = 0
        var grants = 0
        for history in keys.values { operations += history.count }
        for history in locks.values {
            operations += history.count
            for operation in history where operation.isGrant { grants += 1 }
        }
        let verdict = faults.isEmpty ? "; every promise held" : ""
        print("\(operations) operations on \(keys.count) keys and \(locks.count) locks,")
        print("\(writes.count) writes acknowledged, \(grants) locks granted,")
        print("\(watched.count) changes watched\(verdict)")
        if writes.isEmpty || grants == 0 || watched.isEmpty { faults.append("nothing was tested") }
        return faults
    }

    /// A write that was answered before another was called has the smaller revision.
    private func faultsOfRevisions() -> [String] {
        var faults: [String] = []
        var newest: Int64 = 0
        let ends = writes.sorted { $0.end < $1.end }
        var index = 0
        for write in writes.sorted(by: { $0.call < $1.call }) {
            while index < ends.count, ends[index].end < write.call {
                newest = max(newest, ends[index].revision)
                index += 1
            }
            if write.revision <= newest {
                faults.append("revision \(write.revision) came after \(newest) was answered")
            }
        }
        return faults
    }

    /// All revisions without a gap, and each acknowledged write among them.
    private func faultsOfWatched() -> [String] {
        var faults: [String] = []
        for (index, change) in watched.enumerated() where change.revision != Int64(index + 1) {
            faults.append("the watcher was told \(change.revision) in place \(index + 1)")
            break
        }
        let told = Dictionary(watched.map { ($0.revision, $0.key) }) { first, _ in first }
        for write in writes where told[write.revision] != write.key {
            faults.append("the watcher was not told of \(write.key) at \(write.revision)")
        }
        return faults
    }
}

extension Observed<LockModel> {
    fileprivate var isGrant: Bool {
        if case .granted = output { true } else { false }
    }
}
