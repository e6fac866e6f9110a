import Coordination
import Engine
import Store
import Testing

/// The filter language against a scan of random runs.
@Suite struct RunFilterTests {
    private struct Random {
        var state: UInt64
        mutating func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }

    /// Filters, each with what it means in Swift.
    private static let filters: [(String, @Sendable (RunColumns) -> Bool)] = [
        ("type = 'a'", { $0.definition == "a" }),
        (
            "type IN ('a', 'b') AND status = 'failed'",
            {
                ["a", "b"].contains($0.definition) && $0.status == .failed
            }
        ),
        ("status = 'running'", { $0.status == .running }),
        ("close = null AND type = 'b'", { $0.closedMillis == nil && $0.definition == "b" }),
        ("NOT EXISTS close", { $0.closedMillis == nil }),
        (
            "status != 'completed' OR id STARTS_WITH 'job-1'",
            {
                $0.status != .completed || $0.workflowID.hasPrefix("job-1")
            }
        ),
        (
            "start BETWEEN 1970-01-01T00:05:00Z AND '1970-01-01T00:10:00Z'",
            {
                (300_000...600_000).contains($0.startedMillis)
            }
        ),
        ("close > 1970-01-01T00:08:20.5Z", { ($0.closedMillis ?? 0) > 500_500 }),
        ("NOT close > 1970-01-01T00:08:20.5Z", { ($0.closedMillis ?? .max) <= 500_500 }),
        (
            "id IN ('job-3', 'job-77') OR status = 'timed_out' AND type != 'c'",
            {
                ["job-3", "job-77"].contains($0.workflowID)
                    || $0.status == .timedOut && $0.definition != "c"
            }
        ),
        ("id = 'none'", { _ in false }),
    ]

    private static func committed(
        _ runs: [RunColumns], in store: InMemoryStore
    ) async throws {
        let epoch = try await store.claim(.only, wallMillis: 0)
        let definition = WorkflowDefinition.chain(1)
        let plan = try WorkflowPlan(definition)
        let planID = PayloadID(serial: Serial(rawValue: 1))
        var batch = StoreBatch(shard: .only, epoch: epoch, number: BatchNumber(rawValue: 1))
        batch.payloads = [
            PayloadRow(
                id: planID, run: RunID(serial: Serial(rawValue: 0)),
                payload: Payload(bytes: DefinitionCodec.encode(definition)))
        ]
        for run in runs {
            let state = RunState(
                id: run.run, namespace: .default, workflowID: run.workflowID, plan: plan,
                planID: planID, input: planID, inputBytes: 2, startedMillis: run.startedMillis)
            batch.runs.append(
                RunRow(
                    run: run.run, namespace: "default", workflowID: run.workflowID,
                    definition: run.definition, status: (run.status ?? .running).rawValue,
                    startedMillis: run.startedMillis, closedMillis: run.closedMillis,
                    blob: RunCodec.encode(state)))
        }
        let full = batch
        let outcome = await withCheckedContinuation { continuation in
            store.commit(full) { continuation.resume(returning: $0) }
        }
        #expect(outcome == .committed)
    }

    private static func randomRuns(_ random: inout Random) -> [RunColumns] {
        (1...1_700).map { number in
            let statuses: [RunStatus] = [.running, .completed, .failed, .cancelled, .timedOut]
            let status = statuses[random.below(5)]
            let started = Int64(random.below(1_000_000))
            return RunColumns(
                run: RunID(serial: Serial(rawValue: UInt64(number * 7))),
                workflowID: "job-\(random.below(200))",
                definition: ["a", "b", "c"][random.below(3)], status: status,
                startedMillis: started,
                closedMillis: status == .running ? nil : started + Int64(random.below(10_000)))
        }
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `filters find what a scan of all runs finds, page by page`(seed: UInt64) async throws {
        var random = Random(state: seed)
        let runs = Self.randomRuns(&random)
        let store = try InMemoryStore()
        try await Self.committed(runs, in: store)
        let host = try await EngineHost.start(store: store)
        for (text, fits) in Self.filters {
            let filter = try RunFilter.parse(text)
            let expected = runs.filter(fits)
            var found: [RunID] = []
            var before: RunID?
            repeat {
                let (cursor, limit) = (before, 1 + random.below(300))
                let page = try await withCheckedContinuation { continuation in
                    host.runs(
                        namespace: .default, definition: nil, openOnly: false, filter: filter,
                        before: cursor, limit: limit
                    ) { continuation.resume(returning: $0) }
                }.get()
                #expect(page.runs.count <= limit)
                found += page.runs.map(\.id)
                before = page.next
            } while before != nil
            #expect(found == expected.map(\.run).reversed(), "seed \(seed): \(text)")

            let counts = try await withCheckedContinuation { continuation in
                host.countRuns(namespace: .default, filter: filter) {
                    continuation.resume(returning: $0)
                }
            }.get()
            #expect(counts.isComplete)
            for status in RunStatus.allCases {
                let count = expected.count { $0.status == status }
                #expect(counts.byStatus[status, default: 0] == count, "\(text): \(status)")
            }
        }
        host.close()
        await store.close()
    }

    @Test(arguments: [
        (
            "typ = 'a'",
            "character 1: typ is no field of runs; those are id, run_id, type, status, "
                + "start, close, attributes.NAME"
        ),
        (
            "type.x = 'a'",
            "character 1: type.x is no field of runs; those are id, run_id, type, "
                + "status, start, close, attributes.NAME"
        ),
        ("type = ", "character 8: expected a path or a literal, found the end"),
    ])
    func `bad filters are refused`(text: String, message: String) {
        let failure = #expect(throws: RunFilter.ParseFailure.self) { try RunFilter.parse(text) }
        #expect(failure?.message == message)
    }

    @Test func `words that are no status are refused, an empty filter is none`() throws {
        for text in ["status = 'runing'", "NOT (status IN ('failed', 'x'))", "'x' != status"] {
            #expect(throws: RunFilter.ParseFailure.self) { try RunFilter.parse(text) }
        }
        #expect(try RunFilter.parse("  ")?.definition == nil)
    }
}
