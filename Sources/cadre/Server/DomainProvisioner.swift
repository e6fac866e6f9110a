import Engine
import Logging
import Threads

/// Puts the domain into the engine of a new server.
///
/// A disk without room is no reason not to serve what is there. What it keeps out is missing, which
/// readiness tells, and is put as soon as there is room.
final class DomainProvisioner: Sendable {
    private let ask: EngineQuestion
    private let log: Logger
    private let missing: Locked<[DomainItem]>

    /// Puts nothing yet.
    init(_ items: [DomainItem], log: Logger, ask: @escaping EngineQuestion) {
        self.ask = ask
        self.log = log
        missing = Locked(items)
    }

    /// The names of what is not put yet.
    var missingNames: [String] { missing.withLock { $0.map(\.name) } }

    /// What readiness says; `nil` when nothing is missing.
    var failure: String? {
        let names = missingNames
        guard let first = names.first else { return nil }
        let more = names.count > 1 ? " and \(names.count - 1) more" : ""
        return "\(first)\(more) cannot be stored yet; free some space on the disk"
    }

    /// The first try, at the start.
    ///
    /// - Throws: ``Failed`` when something is refused for another reason than a want of room.
    func provide() async throws(Failed) {
        for (name, rejection) in await putMissing() {
            let what = "\(name) is not defined: \(rejection.message)"
            guard rejection.code == .overloaded else { throw Failed(what) }
            log.error("\(what); it is tried again")
        }
    }

    /// Tries until nothing is missing or the task is cancelled.
    ///
    /// - Parameter pause: waits before each try; throws when it is over.
    func provideLater(_ pause: () async throws -> Void) async {
        let names = missingNames
        while !missingNames.isEmpty {
            guard (try? await pause()) != nil else { return }
            _ = await putMissing()
        }
        if !names.isEmpty {
            log.notice("defined at last", metadata: ["names": "\(names.joined(separator: ", "))"])
        }
    }

    /// Tries each once; what was refused stays.
    private func putMissing() async -> [(name: String, rejection: Rejection)] {
        var left: [DomainItem] = []
        var refused: [(name: String, rejection: Rejection)] = []
        for item in missing.snapshot {
            guard let rejection = await item.put(ask) else { continue }
            left.append(item)
            refused.append((item.name, rejection))
        }
        missing.withLock { [left] in $0 = left }
        return refused
    }
}
