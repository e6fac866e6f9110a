import Cache
import Coordination
import GRPC
import Messages
import NIOCore
import Stubs
import Threads

/// Serves `cadre.v1.CacheService`: the shared cache, without the engine.
///
/// Runs on the socket loops and answers at once, unless a call waits for a fill of somebody else.
public struct CacheServiceProvider: CacheServiceHandler {
    let cache: SharedCache

    /// Serves `cache`.
    public init(cache: SharedCache) { self.cache = cache }

    // MARK: Looking up

    /// Looks a key up, and waits for a fill where it is asked to.
    public func get(_ request: CacheServiceGetRequest, _ call: UnaryCall<CacheServiceGetResponse>) {
        guard let space = space(of: call) else { return }
        var faults = FieldFaults()
        faults.checkCacheKey(request.key, "key")
        faults.checkAgent(request.agentID)
        faults.checkFill(request.fill, mayWait: true)
        if let status = faults.status { return call.fail(status) }
        if let fill = request.fill, fill.waitMillis > 0 {
            let read = CacheRead(
                cache: cache, space: space, key: space.key(request.key),
                reader: CacheReader(optional: request.agentID), terms: FillTerms(fill))
            return FillWait(read, call).begin(waitMillis: fill.waitMillis)
        }
        look(request, in: space, for: call)
    }

    /// Answers with what is found without waiting. The position is read before the key: what the answer
    /// does not show yet has a later one.
    ///
    /// The response is filled where it lies: one that an initialiser gives is copied, references and
    /// all, which is a good part of what a hit costs.
    @inline(__always)
    private func look(
        _ request: CacheServiceGetRequest, in space: CacheNamespace,
        for call: UnaryCall<CacheServiceGetResponse>
    ) {
        var response = CacheServiceGetResponse()
        response.position = CachePosition(space.log)
        let now = SystemClock.monotonicNanos()
        response.lookup = Messages.CacheLookup(
            cache.get(
                space.key(request.key), as: CacheReader(optional: request.agentID),
                fill: request.fill.map(FillTerms.init), now: now), now: now)
        call.respond(response)
    }

    /// Looks many keys up.
    public func getMany(
        _ request: CacheServiceGetManyRequest, _ call: UnaryCall<CacheServiceGetManyResponse>
    ) {
        guard let space = space(of: call) else { return }
        var faults = FieldFaults()
        faults.checkKeys(request.keys, "keys")
        faults.checkAgent(request.agentID)
        faults.checkFill(request.fill, mayWait: false)
        if let status = faults.status { return call.fail(status) }
        let reader = CacheReader(optional: request.agentID)
        let terms = request.fill.map(FillTerms.init)
        let now = SystemClock.monotonicNanos()
        var response = CacheServiceGetManyResponse(position: CachePosition(space.log))
        var left = Self.manyBytes
        response.lookups = request.keys.map { name in
            let found = cache.get(space.key(name), as: reader, fill: terms, now: now)
            var lookup = Messages.CacheLookup(found, now: now)
            let size = lookup.value?.data.count ?? 0
            if size > left {
                lookup.value = nil
                lookup.result = .omitted
            } else {
                left -= size
            }
            return lookup
        }
        call.respond(response)
    }

    /// Values of one answer; clients receive 4 MiB by default.
    private static let manyBytes = 3 << 20

    // MARK: Writing

    /// Sets one value.
    public func set(_ request: CacheServiceSetRequest, _ call: UnaryCall<CacheServiceSetResponse>) {
        guard let space = space(of: call) else { return }
        guard let entry = request.entry else { return call.fail(.missing("entry")) }
        var faults = FieldFaults()
        faults.checkAgent(request.agentID)
        let write = CacheWrite(entry, "entry", agentID: request.agentID, &faults)
        if let status = faults.status { return call.fail(status) }
        let outcome = cache.set(
            space.key(entry.key), write, by: CacheReader(optional: request.agentID), in: space,
            now: SystemClock.monotonicNanos())
        call.respond(CacheServiceSetResponse(result: SetResult(outcome)))
    }

    /// Sets many values.
    public func setMany(
        _ request: CacheServiceSetManyRequest, _ call: UnaryCall<CacheServiceSetManyResponse>
    ) {
        guard let space = space(of: call) else { return }
        var faults = FieldFaults()
        faults.checkAgent(request.agentID)
        faults.checkCount(request.entries.count, "entries")
        var seen: Set<ExactName> = []
        let writes = request.entries.prefix(1_000).enumerated().map { index, entry in
            faults.check(
                seen.insert(ExactName(entry.key)).inserted, "entries[\(index)].key",
                "is there twice; set each key once")
            return CacheWrite(entry, "entries[\(index)]", agentID: request.agentID, &faults)
        }
        if let status = faults.status { return call.fail(status) }
        let reader = CacheReader(optional: request.agentID)
        let now = SystemClock.monotonicNanos()
        let results = zip(request.entries, writes).map { entry, write in
            SetResult(cache.set(space.key(entry.key), write, by: reader, in: space, now: now))
        }
        call.respond(CacheServiceSetManyResponse(results: results))
    }

    /// Gives a lease back.
    public func abandonFill(_ request: AbandonFillRequest, _ call: UnaryCall<AbandonFillResponse>) {
        guard let space = space(of: call) else { return }
        var faults = FieldFaults()
        faults.checkCacheKey(request.key, "key")
        faults.check(request.leaseToken != 0, "lease_token", "is required")
        if let status = faults.status { return call.fail(status) }
        let isReleased = cache.abandon(
            space.key(request.key), lease: request.leaseToken, now: SystemClock.monotonicNanos())
        call.respond(AbandonFillResponse(released: isReleased))
    }

    /// Drops what matches.
    public func invalidate(_ request: InvalidateRequest, _ call: UnaryCall<InvalidateResponse>) {
        guard let space = space(of: call) else { return }
        var faults = FieldFaults()
        let target = CacheTarget(request, &faults)
        guard faults.status == nil, let target else {
            return call.fail(faults.status ?? .missing("key"))
        }
        let result = cache.invalidate(target, in: space, now: SystemClock.monotonicNanos())
        call.respond(
            InvalidateResponse(
                dropped: Int64(result.dropped),
                position: CachePosition(epoch: space.log.epoch, sequence: result.sequence)))
    }

    // MARK: Watching

    /// Every write and invalidation of the namespace.
    public func watchInvalidations(
        _ request: WatchInvalidationsRequest, _ call: ServerStreamCall<WatchInvalidationsResponse>
    ) {
        do throws(GRPCStatus) {
            let name = try call.metadata.namespace().name
            var faults = FieldFaults()
            faults.checkPrefixes(request.prefixes)
            faults.checkMillis(request.progressMillis, "progress_millis", 100...300_000)
            if let status = faults.status { throw status }
            InvalidationWatch(cache, cache.namespace(name), request, call).begin()
        } catch {
            call.fail(error)
        }
    }

    /// What the cache holds and has done.
    public func getStats(
        _ request: CacheServiceGetStatsRequest, _ call: UnaryCall<CacheServiceGetStatsResponse>
    ) {
        guard call.namespace() != nil else { return }
        var response = CacheServiceGetStatsResponse(cache.statistics)
        response.watchers = Int64(cache.watcherCount)
        response.promotionReaders = Int32(cache.promotionReaders)
        call.respond(response)
    }

    /// The namespace of a call; a wrong one refuses the call and gives `nil`.
    @inline(__always)
    private func space<Response>(of call: UnaryCall<Response>) -> CacheNamespace? {
        guard let namespace = call.namespace() else { return nil }
        return cache.namespace(namespace.name)
    }
}

/// One key that is looked up for a call.
struct CacheRead {
    let cache: SharedCache
    let space: CacheNamespace
    let key: CacheKey
    let reader: CacheReader?
    let terms: FillTerms?

    /// Looks the key up. The position is read before the key: what the answer does not show yet has a
    /// later one.
    func response() -> CacheServiceGetResponse {
        let position = CachePosition(space.log)
        let now = SystemClock.monotonicNanos()
        let found = cache.get(key, as: reader, fill: terms, now: now)
        return CacheServiceGetResponse(
            lookup: Messages.CacheLookup(found, now: now), position: position)
    }
}
