import Coordination
import Engine
import GRPC
import Messages
import NIOCore
import Store
import Stubs

/// Reading shared memory: what keys hold, by key or by prefix, and what they held.
extension MemoryServiceProvider {
    /// Reads an entry.
    public func get(
        _ request: MemoryServiceGetRequest, _ call: UnaryCall<MemoryServiceGetResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkKey(request.key, "key")
        if let status = faults.status { return call.fail(status) }
        let key = MemoryKey(request.key)
        ask(call, .get(namespace, [key])) { answer in
            guard case .entries(let entries, let revision) = answer else { return nil }
            guard let entry = entries.first else {
                call.fail(Self.notFound(key, revision))
                return MemoryServiceGetResponse()
            }
            return MemoryServiceGetResponse(
                entry: Messages.MemoryEntry(entry), revision: revision)
        }
    }

    private static func notFound(_ key: MemoryKey, _ revision: Int64) -> GRPCStatus {
        var rejection = Rejection(
            .notFound, reason: "MEMORY_KEY_NOT_FOUND",
            "key \"\(key)\" holds nothing in this namespace; put it first, or List what there is")
        rejection.details = ["key": key.text, "revision": "\(revision)"]
        return rejection.status
    }

    /// Reads several entries as they are at one revision.
    public func getMany(
        _ request: MemoryServiceGetManyRequest, _ call: UnaryCall<MemoryServiceGetManyResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let count = request.keys.count
        faults.check(
            (1...1_000).contains(count), "keys", "has \(count) entries; allowed are 1 to 1,000")
        var seen: Set<MemoryKey> = []
        for (index, key) in request.keys.prefix(1_000).enumerated() {
            faults.checkKey(key, "keys[\(index)]")
            faults.check(
                seen.insert(MemoryKey(key)).inserted, "keys[\(index)]",
                "is there already; name each key once")
        }
        if let status = faults.status { return call.fail(status) }
        ask(call, .get(namespace, request.keys.map { MemoryKey($0) })) { answer in
            guard case .entries(let entries, let revision) = answer else { return nil }
            var response = MemoryServiceGetManyResponse(revision: revision)
            var budget = PageBudget()
            for entry in entries {
                let message = Messages.MemoryEntry(entry)
                if response.leftOut.isEmpty, budget.take(message) {
                    response.entries.append(message)
                } else {
                    response.leftOut.append(message.key)
                }
            }
            return response
        }
    }

    // MARK: Pages

    /// Entries whose keys begin with a prefix.
    public func list(
        _ request: MemoryServiceListRequest, _ call: UnaryCall<MemoryServiceListResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        checkLength(request.prefix, "prefix", &faults)
        checkLength(request.pageToken, "page_token", &faults)
        let prefix = MemoryKey(request.prefix)
        let after = request.pageToken.isEmpty ? nil : MemoryKey(request.pageToken)
        faults.check(
            after.map { $0.hasPrefix(prefix) } ?? true, "page_token",
            "belongs to a list of another prefix")
        let size = faults.pageSize(request.pageSize)
        if let status = faults.status { return call.fail(status) }
        let command = Engine.MemoryCommand.list(
            namespace, prefix: prefix, after: after, limit: size, maxBytes: 3 << 20)
        ask(call, command) { answer in
            guard case .page(let entries, let revision, let isLast) = answer else { return nil }
            var response = MemoryServiceListResponse(revision: revision)
            var budget = PageBudget()
            for entry in entries {
                let message = Messages.MemoryEntry(entry, withValue: !request.keysOnly)
                guard budget.take(message) else { break }
                response.entries.append(message)
            }
            if !isLast || response.entries.count < entries.count {
                response.nextPageToken = response.entries.last?.key ?? ""
            }
            return response
        }
    }

    /// What a key held, newest first.
    public func history(
        _ request: MemoryServiceHistoryRequest, _ call: UnaryCall<MemoryServiceHistoryResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.checkKey(request.key, "key")
        let before = request.pageToken.isEmpty ? Int64.max : Int64(request.pageToken)
        faults.check(
            before.map { $0 > 0 } ?? false, "page_token", "is not of a page of a history")
        let size = faults.pageSize(request.pageSize)
        if let status = faults.status { return call.fail(status) }
        let query = MemoryQuery(
            namespace: namespace.name, .history(MemoryKey(request.key), before: before ?? .max),
            limit: size, keysOnly: request.keysOnly)
        read(call, query) { reading in
            var response = MemoryServiceHistoryResponse(revision: reading.revision)
            var budget = PageBudget()
            for change in reading.changes {
                let message = Messages.MemoryChange(
                    change, withValue: !request.keysOnly, previous: false)
                guard budget.take(message) else { break }
                response.changes.append(message)
            }
            if !reading.isLast || response.changes.count < reading.changes.count {
                response.nextPageToken = response.changes.last?.entry.map { "\($0.revision)" } ?? ""
            }
            return response
        }
    }

    private func checkLength(_ text: String, _ field: String, _ faults: inout FieldFaults) {
        let count = text.utf8.count
        faults.check(
            count <= MemoryKey.maxBytes, field,
            "is \(count) bytes; at most \(MemoryKey.maxBytes) are allowed")
    }

    /// Reads a page from the store and responds with what `make` makes of it.
    private func read<Response>(
        _ call: UnaryCall<Response>, _ query: MemoryQuery,
        _ make: @escaping (MemoryReading) -> Response
    ) {
        guard call.isOpen else { return }
        let hop = call.hop { (result: Result<MemoryReading, Rejection>) in
            guard call.isOpen else { return }
            switch result {
            case .failure(let rejection): call.fail(rejection.status)
            case .success(let reading): call.respond(make(reading))
            }
        }
        host.readMemory(query, completion: hop)
    }

    // MARK: Watching

    /// Each change of what is watched, from a revision on.
    public func watch(
        _ request: MemoryServiceWatchRequest, _ call: ServerStreamCall<MemoryServiceWatchResponse>
    ) {
        var faults = FieldFaults()
        var scope = MemoryScope.prefix(MemoryKey(""))
        switch request.scope {
        case .key(let key):
            faults.checkKey(key, "key")
            scope = .key(MemoryKey(key))
        case .prefix(let prefix):
            checkLength(prefix, "prefix", &faults)
            scope = .prefix(MemoryKey(prefix))
        case nil: break
        }
        faults.checkRevision(request.fromRevision, "from_revision")
        let progress = request.progressMillis == 0 ? 30_000 : request.progressMillis
        faults.check(
            (1_000...3_600_000).contains(progress), "progress_millis",
            "is \(request.progressMillis); allowed are 1,000 to 3,600,000 ms, and 0 for 30,000")
        if let status = faults.status { return call.fail(status) }
        do throws(GRPCStatus) {
            let watch = MemoryWatch(
                namespace: try call.metadata.namespace(), scope: scope,
                from: request.fromRevision, wantsPrevious: request.previous,
                progress: .milliseconds(progress), host: host,
                link: links.link(on: call.eventLoop), call: call)
            watch.begin()
        } catch {
            call.fail(error)
        }
    }
}
