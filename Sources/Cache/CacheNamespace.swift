/// A namespace of the cache: its keys and its invalidations.
public final class CacheNamespace: Sendable {
    /// Its name.
    public let name: String
    /// What is set and invalidated in it.
    public let log: InvalidationLog
    let number: UInt32

    init(name: String, number: UInt32, epoch: UInt64) {
        self.name = name
        self.number = number
        log = InvalidationLog(epoch: epoch)
    }

    /// A key of it.
    public func key(_ text: String) -> CacheKey { CacheKey(text, space: number) }
}

/// What became of the wish to watch a namespace.
public enum CacheWatchOutcome: Sendable {
    /// The watcher is woken from now on, and the namespace is kept as long as it is.
    case watches(CacheNamespace)
    /// So many watch the namespace already.
    case tooManyWatchers(Int)
    /// So many other namespaces are watched already.
    case tooManyNamespaces(Int)
}

/// The namespaces of a cache besides the default one, by name. A value behind a lock.
///
/// Those that are watched are kept, for who watches one could not be told what is written in
/// another of its name; of the others there are so many at the most.
struct NamespaceTable {
    private struct Row {
        let namespace: CacheNamespace
        var usedAt: UInt64
        var watchers = 0
    }

    private var rows: [String: Row] = [:]
    /// How many rows are watched.
    private var watched = 0
    private var uses: UInt64 = 0
    private var made: UInt32 = 0
    private let epoch: UInt64
    private let maxNamespaces: Int

    init(epoch: UInt64, maxNamespaces: Int) {
        self.epoch = epoch
        self.maxNamespaces = max(maxNamespaces, 1)
    }

    /// The namespace of this name. When there are too many, the one that was unused longest begins
    /// anew: its entries are out of reach and make room as they age.
    mutating func find(_ name: String) -> CacheNamespace {
        uses += 1
        if let known = rows[name]?.namespace {
            rows[name]?.usedAt = uses
            return known
        }
        forgetIdle(downTo: maxNamespaces - 1)
        made += 1
        let namespace = CacheNamespace(name: name, number: made, epoch: epoch + UInt64(made))
        rows[name] = Row(namespace: namespace, usedAt: uses)
        return namespace
    }

    /// Begins to wake a watcher of the namespace of this name.
    mutating func watch(_ name: String, by watcher: InvalidationWatcher) -> CacheWatchOutcome {
        let isFirst = rows[name]?.watchers ?? 0 == 0
        if isFirst, watched >= maxNamespaces { return .tooManyNamespaces(watched) }
        let namespace = find(name)
        guard namespace.log.add(watcher) else {
            return .tooManyWatchers(namespace.log.watcherCount)
        }
        rows[name]?.watchers += 1
        if isFirst { watched += 1 }
        return .watches(namespace)
    }

    /// Wakes a watcher no longer; when it was the last, the namespace is one of the others again.
    mutating func unwatch(
        _ namespace: CacheNamespace, by watcher: InvalidationWatcher, now: Int64
    ) {
        guard namespace.log.remove(watcher, now: now) else { return }
        uses += 1
        rows[namespace.name]?.watchers -= 1
        rows[namespace.name]?.usedAt = uses
        guard rows[namespace.name]?.watchers == 0 else { return }
        watched -= 1
        forgetIdle(downTo: maxNamespaces)
    }

    /// Streams that watch any of them.
    var watcherCount: Int { rows.values.reduce(0) { $0 + $1.watchers } }

    private mutating func forgetIdle(downTo most: Int) {
        while rows.count - watched > most {
            let idle = rows.values.lazy.filter { $0.watchers == 0 }
            guard let oldest = idle.min(by: { $0.usedAt < $1.usedAt }) else { return }
            rows[oldest.namespace.name] = nil
        }
    }
}
