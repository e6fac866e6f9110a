/// Who watches which keys. Finding those of a key costs one look a length of prefix, however many
/// watch.
public struct MemoryWatchers<Watcher: Hashable & Sendable>: Sendable {
    private var ofKey: [MemoryKey: [Watcher]] = [:]
    private var ofPrefix: [MemoryKey: [Watcher]] = [:]
    /// How many prefixes of each length are watched.
    private var lengths: [Int: Int] = [:]
    private var scopes: [Watcher: MemoryScope] = [:]

    /// Nobody.
    public init() {}

    /// How many watch.
    public var count: Int { scopes.count }
    public var isEmpty: Bool { scopes.isEmpty }

    /// Adds one; each is added once.
    public mutating func insert(_ watcher: Watcher, _ scope: MemoryScope) {
        scopes[watcher] = scope
        switch scope {
        case .key(let key): ofKey[key, default: []].append(watcher)
        case .prefix(let prefix):
            if ofPrefix[prefix] == nil { lengths[prefix.bytes.count, default: 0] += 1 }
            ofPrefix[prefix, default: []].append(watcher)
        }
    }

    /// Takes one out.
    public mutating func remove(_ watcher: Watcher) {
        guard let scope = scopes.removeValue(forKey: watcher) else { return }
        switch scope {
        case .key(let key):
            ofKey[key]?.removeAll { $0 == watcher }
            if ofKey[key]?.isEmpty == true { ofKey[key] = nil }
        case .prefix(let prefix):
            ofPrefix[prefix]?.removeAll { $0 == watcher }
            guard ofPrefix[prefix]?.isEmpty == true else { return }
            ofPrefix[prefix] = nil
            let length = prefix.bytes.count
            lengths[length, default: 1] -= 1
            if lengths[length] == 0 { lengths[length] = nil }
        }
    }

    /// Those that watch a key, each once.
    public func watching(_ key: MemoryKey) -> [Watcher] {
        if scopes.isEmpty { return [] }
        var found = ofKey[key] ?? []
        for length in lengths.keys where length <= key.bytes.count {
            found += ofPrefix[MemoryKey(bytes: Array(key.bytes.prefix(length)))] ?? []
        }
        return found
    }
}
