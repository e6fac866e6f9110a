import Coordination
import Store
import Threads

extension EngineHost {
    /// Claims the shard, reads what an earlier process left, and goes on with it.
    ///
    /// - Parameters:
    ///   - store: opened by the caller, and closed by it after the host.
    ///   - timer: rings when a deadline is due; `cadre` gives one on a socket loop.
    ///   - onFatal: called once, from any thread, when the store cannot be trusted any more: the
    ///     process must end and start again.
    /// - Throws: what the store says; `.corrupt` when something stored cannot be read.
    public static func start(
        store: any Store, configuration: EngineConfiguration = .defaults,
        observer: any EngineObserver = NoObserver(), timer: any TimerPort = ThreadTimer(),
        onFatal: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(StoreError) -> EngineHost {
        let epoch = try await store.claim(.only, wallMillis: SystemClock.wallMillis())
        var recovery = EngineRecovery(
            engine: CoordinationEngine(
                shard: .only, epoch: epoch, limits: configuration.limits,
                secret: .random(in: .min ... .max)),
            reader: RunReader(store: store))
        var cursor: RecoveryCursor?
        repeat {
            let page = try await store.recover(.only, after: cursor)
            try await recovery.take(page)
            cursor = page.next
        } while cursor != nil
        try await recovery.takePublications()
        do throws(ThreadStartError) {
            let host = try EngineHost(
                engine: recovery.engine, store: store, configuration: configuration,
                reader: recovery.reader, observer: observer, timer: timer, onFatal: onFatal)
            host.timerFired()
            return host
        } catch {
            throw StoreError(.failed, error.description)
        }
    }
}

/// Fills an engine from the pages of the store.
struct EngineRecovery {
    var engine: CoordinationEngine
    let reader: RunReader

    /// Takes up one page.
    mutating func take(_ page: RecoveryPage) async throws(StoreError) {
        for row in page.definitions { try restore(row) }
        for row in page.entities {
            do throws(CodecError) { try engine.restore(row) } catch { throw Self.corrupt(error) }
        }
        for row in page.memory {
            do throws(CodecError) { try engine.restore(row) } catch { throw Self.corrupt(error) }
        }
        for row in page.requests {
            do throws(CodecError) { try engine.restore(row) } catch { throw Self.corrupt(error) }
        }
        if page.openRuns.isEmpty { return }
        let plans = try await plans(of: page.openRuns)
        let time = EngineTime(
            monotonicNanos: SystemClock.monotonicNanos(), wallMillis: SystemClock.wallMillis())
        for row in page.openRuns {
            do throws(CodecError) {
                engine.restore(try RunReader.state(of: row, plans), at: time)
            } catch {
                throw Self.corrupt(error)
            }
        }
    }

    /// Takes up what is known of publications, when all pages are.
    mutating func takePublications() async throws(StoreError) {
        for namespace in engine.publishingNamespaces {
            var after: Int64 = 0
            while true {
                let marks = try await reader.publicationMarks(namespace, after: after)
                engine.restore(marks, in: namespace)
                guard let last = marks.last else { break }
                after = last.mark.sequence
            }
        }
    }

    private mutating func restore(_ row: DefinitionRow) throws(StoreError) {
        do {
            let (id, definition) = try StoredDefinition.decode(row.blob)
            engine.restore(
                try WorkflowPlan(stored: definition), id: id, namespace: Namespace(row.namespace))
        } catch {
            throw Self.corrupt(error)
        }
    }

    private func plans(
        of rows: [RunRow]
    ) async throws(StoreError) -> [PayloadID: WorkflowPlan] {
        var ids: Set<PayloadID> = []
        for row in rows {
            do throws(CodecError) {
                ids.insert(try RunCodec.planID(of: row.blob))
            } catch {
                throw Self.corrupt(error)
            }
        }
        let wanted = Array(ids)
        let result = await withCheckedContinuation { continuation in
            reader.plans(wanted) { continuation.resume(returning: $0) }
        }
        switch result {
        case .success(let plans): return plans
        case .failure(let rejection): throw StoreError(.failed, rejection.message)
        }
    }

    private static func corrupt(_ error: any Error) -> StoreError {
        StoreError(
            .corrupt,
            "the data directory holds something this build cannot read: \(error); "
                + "restore a backup, or use the build that wrote it")
    }
}
