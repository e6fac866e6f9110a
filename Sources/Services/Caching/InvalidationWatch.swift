import Cache
import GRPC
import Messages
import NIOCore
import Stubs
import Threads

/// One stream of invalidations: reads the namespace's log as fast as its reader takes it. Confined to
/// its loop.
///
/// A reader that falls behind what the log remembers is told to flush and goes on from there.
final class InvalidationWatch {
    private let cache: SharedCache
    private var space: CacheNamespace
    private let call: ServerStreamCall<WatchInvalidationsResponse>
    private let prefixes: [String]
    private let after: CachePosition?
    private let progress: TimeAmount
    private var watcher: InvalidationWatcher?
    /// Up to where the log was read, and up to where the reader was told.
    private var read: UInt64 = 0
    private var told = CachePosition()
    private var isQuiet = true
    private var progressTask: Scheduled<Void>?

    private static let pageSize = 500

    init(
        _ cache: SharedCache, _ space: CacheNamespace, _ request: WatchInvalidationsRequest,
        _ call: ServerStreamCall<WatchInvalidationsResponse>
    ) {
        self.cache = cache
        self.space = space
        self.call = call
        prefixes = request.prefixes
        after = request.after
        progress = .milliseconds(
            request.progressMillis == 0 ? 15_000 : request.progressMillis)
    }

    /// Begins, where the reader left off or from now on.
    func begin() {
        let watcher = InvalidationWatcher(wake: wake())
        switch cache.watch(space.name, by: watcher) {
        case .watches(let watched): space = watched
        case .tooManyWatchers(let count):
            return call.fail(tooMany("\(count) streams watch this namespace's invalidations"))
        case .tooManyNamespaces(let count):
            return call.fail(tooMany("\(count) other namespaces are watched"))
        }
        self.watcher = watcher
        call.onCancel { _ in self.leave() }
        call.onWritable { self.proceed() }
        call.endAtShutdown()
        start()
        scheduleProgress()
        proceed()
    }

    private func wake() -> @Sendable () -> Void {
        let hop = call.hop { (_: Void) in self.proceed() }
        return { hop(()) }
    }

    /// The first message says where the stream begins.
    private func start() {
        read = space.log.sequence
        guard let after else {
            told = position(read)
            return send([])
        }
        told = after
        if after.epoch == space.log.epoch, let watcher,
            space.log.read(after: after.sequence, limit: 1, for: watcher) != nil
        {
            read = after.sequence
            return send([])
        }
        send([.gap(read)])
    }

    private func proceed() {
        guard let watcher else { return }
        while call.isOpen, call.isWritable {
            guard let page = space.log.read(after: read, limit: Self.pageSize, for: watcher) else {
                read = space.log.sequence
                send([.gap(read)])
                continue
            }
            guard let last = page.last else { return }
            read = last.sequence
            let passed = page.filter(passes).map(Invalidation.init)
            if !passed.isEmpty { send(passed) }
        }
    }

    private func passes(_ invalidation: CacheInvalidation) -> Bool {
        guard !prefixes.isEmpty, case .key(let key) = invalidation.target else { return true }
        return prefixes.contains { key.utf8.starts(with: $0.utf8) }
    }

    private func scheduleProgress() {
        let loop = call.eventLoop.assumeIsolated()
        progressTask = loop.scheduleTask(in: progress) { self.markProgress() }
    }

    private func markProgress() {
        guard watcher != nil else { return }
        if isQuiet, call.isWritable { send([]) }
        isQuiet = true
        scheduleProgress()
    }

    private func send(_ invalidations: [Invalidation]) {
        let now = position(read)
        call.send(
            WatchInvalidationsResponse(
                invalidations: invalidations, previous: told, position: now))
        told = now
        isQuiet = false
    }

    private func position(_ sequence: UInt64) -> CachePosition {
        CachePosition(epoch: space.log.epoch, sequence: sequence)
    }

    private func leave() {
        progressTask?.cancel()
        progressTask = nil
        if let watcher { cache.unwatch(space, by: watcher, now: SystemClock.monotonicNanos()) }
        watcher = nil
    }

    private func tooMany(_ already: String) -> GRPCStatus {
        GRPCStatus(
            .resourceExhausted, "\(already); end one first", reason: "TOO_MANY_WATCHERS")
    }
}

extension Invalidation {
    init(_ invalidation: CacheInvalidation) {
        self.init()
        sequence = invalidation.sequence
        cause = invalidation.isWrite ? .written : .invalidated
        switch invalidation.target {
        case .key(let key): target = .key(key)
        case .prefix(let prefix): target = .prefix(prefix)
        case .tag(let tag): target = .tag(tag)
        case .everything: target = .everything(true)
        }
    }

    /// What happened up to here is not known any more.
    fileprivate static func gap(_ sequence: UInt64) -> Invalidation {
        Invalidation(sequence: sequence, target: .everything(true), cause: .gap)
    }
}
