import Coordination
import Store

/// A page of runs that fit a filter.
public struct RunPage: Sendable {
    /// Newest first.
    public var runs: [RunSummary]
    /// The run to go on after; `nil`: there are no more. A page may be short and still have one,
    /// when much was looked at and little fitted.
    public var next: RunID?
}

/// How many runs fit a filter.
public struct RunCounts: Sendable, Hashable {
    /// By status.
    public var byStatus: [RunStatus: Int64] = [:]
    /// Whether all runs were looked at; `false`: only the newest ones, up to the bound.
    public var isComplete = true
}

/// Lists and counts by filter: committed runs are read page by page, in the order of their ids, and
/// looked at by their columns; only those that fit are decoded.
extension EngineHost {
    /// Runs read in one go; each is its own transaction.
    private static let scanPage = 500
    /// Runs looked at for one page of a list.
    public static let maxScannedForList = 20_000
    /// Runs looked at for a count.
    public static let maxScannedForCount = 200_000

    /// Runs that fit, newest first.
    ///
    /// - Parameters:
    ///   - definition: only runs of this definition; `nil`: all.
    ///   - filter: `nil`: every run fits.
    ///   - before: the last run of the page before; `nil`: the first page.
    ///   - limit: 1 to 1,000.
    public func runs(
        namespace: Namespace, definition: String?, openOnly: Bool, filter: RunFilter?,
        before: RunID?, limit: Int,
        completion: @escaping @Sendable (Result<RunPage, Rejection>) -> Void
    ) {
        let scan = RunScan(
            namespace: namespace.name, definition: definition, openOnly: openOnly, filter: filter,
            before: before)
        list(scan, found: [], limit: limit, completion)
    }

    private func list(
        _ scan: RunScan, found: [RunRow], limit: Int,
        _ completion: @escaping @Sendable (Result<RunPage, Rejection>) -> Void
    ) {
        // Without a filter every row fits: no more are read than the page takes.
        let size = scan.filter == nil ? limit + 1 : Self.scanPage
        read(scan, size) { [self] result in
            switch result {
            case .failure(let rejection): completion(.failure(rejection))
            case .success(let rows):
                var found = found + rows.filter(scan.fits)
                var next: RunID?
                if found.count > limit {
                    found.removeLast(found.count - limit)
                    next = found.last?.run
                } else if rows.count == size, let last = rows.last {
                    let later = scan.after(last.run, rows.count)
                    guard later.scanned >= Self.maxScannedForList else {
                        return list(later, found: found, limit: limit, completion)
                    }
                    next = last.run
                }
                finish(found, next, completion)
            }
        }
    }

    private func finish(
        _ rows: [RunRow], _ next: RunID?,
        _ completion: @escaping @Sendable (Result<RunPage, Rejection>) -> Void
    ) {
        reader.runs(rows) {
            completion($0.map { RunPage(runs: $0.map(\.summary), next: next) })
        }
    }

    /// How many runs fit, by status.
    public func countRuns(
        namespace: Namespace, filter: RunFilter?,
        completion: @escaping @Sendable (Result<RunCounts, Rejection>) -> Void
    ) {
        let scan = RunScan(
            namespace: namespace.name, definition: nil, openOnly: false, filter: filter,
            before: nil)
        count(scan, RunCounts(), completion)
    }

    private func count(
        _ scan: RunScan, _ counts: RunCounts,
        _ completion: @escaping @Sendable (Result<RunCounts, Rejection>) -> Void
    ) {
        read(scan, Self.scanPage) { [self] result in
            switch result {
            case .failure(let rejection): completion(.failure(rejection))
            case .success(let rows):
                var counts = counts
                for row in rows where scan.fits(row) {
                    guard let status = RunStatus(rawValue: row.status) else { continue }
                    counts.byStatus[status, default: 0] += 1
                }
                guard rows.count == Self.scanPage, let last = rows.last else {
                    return completion(.success(counts))
                }
                let later = scan.after(last.run, rows.count)
                guard later.scanned < Self.maxScannedForCount else {
                    counts.isComplete = false
                    return completion(.success(counts))
                }
                count(later, counts, completion)
            }
        }
    }

    private func read(
        _ scan: RunScan, _ limit: Int,
        _ completion: @escaping @Sendable (Result<[RunRow], Rejection>) -> Void
    ) {
        store.query(scan.query(limit)) { result in
            switch result {
            case .failure(let error): completion(.failure(.unreadable(error)))
            case .success(.runs(let rows)): completion(.success(rows))
            case .success: completion(.success([]))
            }
        }
    }
}

/// How far a look at runs has come.
private struct RunScan: Sendable {
    var namespace: String
    var definition: String?
    var openOnly: Bool
    var filter: RunFilter?
    var before: RunID?
    var scanned = 0

    func query(_ limit: Int) -> StoreQuery {
        .runs(
            namespace: namespace, definition: definition ?? filter?.definition,
            openOnly: openOnly || filter?.isOpenOnly == true, before: before, limit: limit)
    }

    func after(_ run: RunID, _ count: Int) -> RunScan {
        var later = self
        later.before = run
        later.scanned += count
        return later
    }

    @Sendable func fits(_ row: RunRow) -> Bool {
        guard let filter else { return true }
        return filter.fits(
            RunColumns(
                run: row.run, workflowID: row.workflowID, definition: row.definition,
                status: RunStatus(rawValue: row.status), startedMillis: row.startedMillis,
                closedMillis: row.closedMillis,
                attributes: filter.usesAttributes
                    ? (try? RunCodec.attributes(of: row.blob)) ?? [] : []))
    }
}
