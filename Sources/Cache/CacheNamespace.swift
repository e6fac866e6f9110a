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

/// The namespaces of a cache besides the default one, by name. A value behind a lock.
struct NamespaceTable {
    private struct Row {
        let namespace: CacheNamespace
        var usedAt: UInt64
    }

    private var rows: [String: Row] = [:]
    private var uses: UInt64 = 0
    private var made: UInt32 = 0
    private let epoch: UInt64
    private let maxNamespaces: Int

    init(epoch: UInt64, maxNamespaces: Int) {
        self.epoch = epoch
        self.maxNamespaces = max(maxNamespaces, 1)
    }

    /// The namespace of this name. When there are too many, the one that was unused longest and that
    /// nobody watches begins anew: its entries are out of reach and make room as they age.
    mutating func find(_ name: String) -> CacheNamespace {
        uses += 1
        if let known = rows[name]?.namespace {
            rows[name]?.usedAt = uses
            return known
        }
        if rows.count >= maxNamespaces { forgetOne() }
        made += 1
        let namespace = CacheNamespace(name: name, number: made, epoch: epoch + UInt64(made))
        rows[name] = Row(namespace: namespace, usedAt: uses)
        return namespace
    }

    /// Streams that watch any of them.
    var watcherCount: Int { rows.values.reduce(0) { $0 + $1.namespace.log.watcherCount } }

    private mutating func forgetOne() {
        let idle = rows.values.filter { $0.namespace.log.watcherCount == 0 }
        guard
            let oldest = (idle.isEmpty ? Array(rows.values) : idle).min(by: {
                $0.usedAt < $1.usedAt
            })
        else { return }
        rows[oldest.namespace.name] = nil
    }
}
