import Cache
import Coordination
import Messages

extension CacheReader {
    /// The agent of this id; `nil` for an empty one.
    init?(optional id: String) {
        if id.isEmpty { return nil }
        self.init(id)
    }
}

extension FillTerms {
    /// The terms of a request that was checked.
    init(_ fill: FillRequest) {
        self.init(leaseNanos: (fill.leaseMillis == 0 ? 10_000 : fill.leaseMillis) * 1_000_000)
    }
}

extension CacheWrite {
    /// Reads an entry off the wire and notes what is wrong with it.
    init(
        _ entry: CacheEntry, _ path: String, agentID: String, _ faults: inout FieldFaults
    ) {
        faults.checkCacheKey(entry.key, "\(path).key")
        faults.checkTimes(entry, path)
        faults.checkTags(entry.tags, "\(path).tags")
        var payload: CachedPayload?
        switch entry.content {
        case .value(let value):
            faults.checkSize(value, "\(path).value")
            faults.check(
                value.contentType.utf8.count <= 256, "\(path).value.content_type",
                "is \(value.contentType.utf8.count) bytes; at most 256 are allowed")
            payload = CachedPayload(bytes: value.data, contentType: value.contentType)
        case .negative(true): break
        case .negative(false): faults.check(false, "\(path).negative", "is false; set it to true")
        case nil: faults.check(false, "\(path).value", "is required: set it, or negative")
        }
        let usual: Int64 = payload == nil ? 10_000 : 300_000
        self.init(
            payload, ttlNanos: (entry.ttlMillis == 0 ? usual : entry.ttlMillis) &* 1_000_000)
        if entry.softTTLMillis != 0 { softNanos = entry.softTTLMillis &* 1_000_000 }
        jitter = entry.ttlJitter == 0 ? 0.1 : max(entry.ttlJitter, 0)
        tags = entry.tags
        lease = entry.leaseToken
        switch entry.tier {
        case .unspecified: tier = nil
        case .agent: tier = .agent
        case .shared: tier = .shared
        case .unrecognized(let number):
            faults.check(false, "\(path).tier", "is \(number); set one that this server knows")
        }
        faults.check(
            tier != .agent || !agentID.isEmpty, "\(path).tier",
            "is CACHE_TIER_AGENT, but the request names no agent_id")
    }
}

extension CacheTarget {
    /// What an invalidation is about; `nil` after its faults were noted.
    init?(_ request: InvalidateRequest, _ faults: inout FieldFaults) {
        switch request.target {
        case .key(let key):
            faults.checkCacheKey(key, "key")
            self = .key(key)
        case .prefix(let prefix):
            faults.check(!prefix.isEmpty, "prefix", "is empty; set `everything` to drop all keys")
            if !prefix.isEmpty { faults.checkCacheKey(prefix, "prefix") }
            self = .prefix(prefix)
        case .tag(let tag):
            faults.checkName(tag, "tag")
            self = .tag(tag)
        case .everything(true): self = .everything
        case .everything(false):
            faults.check(false, "everything", "is false; set it to true")
            return nil
        case nil:
            faults.check(false, "key", "is required: set it, or prefix, tag or everything")
            return nil
        }
    }
}

extension FieldFaults {
    /// Notes a missing or overlong key. Keys are 1 to 512 bytes.
    mutating func checkCacheKey(_ key: String, _ field: @autoclosure () -> String) {
        let count = key.utf8.count
        check(count > 0, field(), "is required")
        check(count <= 512, field(), "is \(count) bytes; at most 512 are allowed")
    }

    /// Notes an overlong agent id; an empty one is right.
    mutating func checkAgent(_ id: String) {
        check(
            id.utf8.count <= 256, "agent_id",
            "is \(id.utf8.count) bytes; at most 256 are allowed")
    }

    /// Notes a number of entries that is not 1 to 1,000.
    mutating func checkCount(_ count: Int, _ field: String) {
        check((1...1_000).contains(count), field, "has \(count) entries; allowed are 1 to 1,000")
    }

    /// Notes keys that are wrong or there twice.
    mutating func checkKeys(_ keys: [String], _ field: String) {
        checkCount(keys.count, field)
        var seen: Set<ExactName> = []
        for (index, key) in keys.prefix(1_000).enumerated() {
            checkCacheKey(key, "\(field)[\(index)]")
            check(seen.insert(ExactName(key)).inserted, "\(field)[\(index)]", "is there twice")
        }
    }

    /// Notes terms of a fill that are out of range.
    mutating func checkFill(_ fill: FillRequest?, mayWait: Bool) {
        guard let fill else { return }
        checkMillis(fill.leaseMillis, "fill.lease_millis", 100...300_000)
        let most: Int64 = mayWait ? 60_000 : 0
        check(
            (0...most).contains(fill.waitMillis), "fill.wait_millis",
            mayWait
                ? "is \(fill.waitMillis); allowed are 0 to 60,000"
                : "is \(fill.waitMillis); GetMany does not wait, so it must be 0")
    }

    /// Notes a duration that is neither 0 nor in its range.
    mutating func checkMillis(_ millis: Int64, _ field: String, _ range: ClosedRange<Int64>) {
        check(
            millis == 0 || range.contains(millis), field,
            "is \(millis); allowed are \(range.lowerBound) to \(range.upperBound), or 0")
    }

    /// Notes prefixes that are too many, empty or too long.
    mutating func checkPrefixes(_ prefixes: [String]) {
        check(
            prefixes.count <= 64, "prefixes",
            "has \(prefixes.count) entries; at most 64 are allowed"
        )
        for (index, prefix) in prefixes.prefix(64).enumerated() {
            checkCacheKey(prefix, "prefixes[\(index)]")
        }
    }

    fileprivate mutating func checkTimes(_ entry: CacheEntry, _ path: String) {
        let longest: Int64 = 31 * 86_400_000
        checkMillis(entry.ttlMillis, "\(path).ttl_millis", 1...longest)
        var isNegative = false
        if case .negative = entry.content { isNegative = true }
        let usual: Int64 = isNegative ? 10_000 : 300_000
        let hard = entry.ttlMillis == 0 ? usual : entry.ttlMillis
        check(
            entry.softTTLMillis >= 0 && entry.softTTLMillis <= hard, "\(path).soft_ttl_millis",
            "is \(entry.softTTLMillis); allowed are 0 to the ttl_millis of \(hard)")
        let jitter = entry.ttlJitter
        check(
            jitter == -1 || (jitter >= 0 && jitter <= 1), "\(path).ttl_jitter",
            "is \(jitter); allowed are 0 to 1, or -1 for none")
    }

    fileprivate mutating func checkTags(_ tags: [String], _ field: String) {
        check(tags.count <= 16, field, "has \(tags.count) entries; at most 16 are allowed")
        for (index, tag) in tags.prefix(16).enumerated() { checkName(tag, "\(field)[\(index)]") }
    }
}
