import ArgumentParser
import Foundation
import JSON
import Messages
import Stubs

/// Locks: who holds them, acquiring, releasing, breaking.
struct LockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock", abstract: "List, acquire, release and break locks.",
        subcommands: [List.self, Acquire.self, Release.self, Break.self])
}

extension LockCommand {
    /// Lists locks.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the resources that somebody holds or waits for.")

        @Argument(help: "What the names begin with.")
        var prefix = ""

        @Option(help: "Only what this owner holds or waits for.")
        var owner = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    try await show(all(LockServiceClient(client: client)))
                }
            }
        }

        private func all(_ service: LockServiceClient) async throws -> [Lock] {
            var request = ListLocksRequest(prefix: prefix, owner: owner)
            var locks: [Lock] = []
            repeat {
                let page = try await service.listLocks(request, options: server.callOptions)
                locks += page.locks
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            return locks
        }

        private func show(_ locks: [Lock]) {
            if server.output == .json {
                return printJSON { $0.member("locks", locks) { $0.lock($1) } }
            }
            var table = TextTable("RESOURCE", "MODE", "OWNER", "TOKEN", "ENDS", "WAITING", "WHY")
            for lock in locks {
                let holder = lock.holders.first
                let more = lock.holderCount > 1 ? " and \(lock.holderCount - 1) more" : ""
                table.add(
                    lock.resource, holder.map(\.mode.word) ?? "free",
                    (holder?.owner ?? "") + more, holder.map { "\($0.fencingToken)" } ?? "",
                    Instant.textOrNothing(holder?.expiresUnixMillis ?? 0),
                    "\(lock.waiterCount)", holder?.purpose ?? "")
            }
            printVisible(table.text)
        }
    }

    /// Acquires locks.
    struct Acquire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Acquire one resource or several, all or none.")

        @Argument(help: "The resources.")
        var resources: [String]

        @Option(help: "Who holds them; only this owner renews and releases them.")
        var owner: String

        @Flag(help: "Others may hold them shared, too.")
        var shared = false

        @Option(help: "Seconds that they are held without a renewal.")
        var lease: Double = 30

        @Option(help: "Seconds to wait; 0: not at all.")
        var wait: Double = 0

        @Option(help: "What for.")
        var purpose = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var claim = LockClaim()
                claim.resources = resources.map {
                    LockResource(name: $0, mode: shared ? .shared : .exclusive)
                }
                claim.owner = owner
                claim.leaseMillis = try Duration.millis(lease, "--lease")
                claim.purpose = purpose
                let request = AcquireRequest(
                    claim: claim, waitMillis: try Duration.millis(wait, "--wait"),
                    requestID: UUID().uuidString)
                try await server.withClient { client in
                    let response = try await LockServiceClient(client: client)
                        .acquire(request, options: server.callOptions)
                    show(response.grant ?? LockGrant())
                }
            }
        }

        private func show(_ grant: LockGrant) {
            if server.output == .json { return StandardOutput.jsonLine { $0.grant(grant) } }
            printVisible(
                "acquire \(grant.acquireID), until \(Instant.text(grant.expiresUnixMillis))")
            for hold in grant.holds {
                printVisible(
                    "\(hold.resource.visible) \(hold.mode.word), token \(hold.fencingToken)")
            }
        }
    }

    /// Releases an acquire.
    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End an acquire.")

        @Argument(help: "The acquire, as `lock acquire` printed it.")
        var acquire: String

        @Option(help: "The owner that acquired it.")
        var owner: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                let request = ReleaseRequest(acquireID: acquire, owner: owner)
                try await server.withClient { client in
                    let response = try await LockServiceClient(client: client)
                        .release(request, options: server.callOptions)
                    if server.output == .json {
                        StandardOutput.jsonLine {
                            $0.beginObject()
                            $0.member("released", response.released)
                            $0.endObject()
                        }
                    } else {
                        printVisible(response.released ? "released" : "was not held any more")
                    }
                }
            }
        }
    }

    /// Breaks a lock.
    struct Break: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a resource from its holders; goes to the audit log.")

        @Argument(help: "The resource.")
        var resource: String

        @Option(help: "Only this acquire; default: all that hold it.")
        var acquire = ""

        @Option(help: "Why.")
        var reason: String

        @Option(help: "Who does it, for the audit log.")
        var actor = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                let request = BreakLockRequest(
                    resource: resource, acquireID: acquire, reason: reason, actor: actor,
                    requestID: UUID().uuidString)
                try await server.withClient { client in
                    let response = try await LockServiceClient(client: client)
                        .breakLock(request, options: server.callOptions)
                    if server.output == .json {
                        StandardOutput.jsonLine {
                            $0.beginObject()
                            $0.member("broken", response.broken)
                            $0.endObject()
                        }
                    } else {
                        printVisible("broke \(response.broken) acquires of \(resource)")
                    }
                }
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func lock(_ lock: Lock) {
        beginObject()
        member("resource", lock.resource)
        member("holder_count", lock.holderCount)
        member("holders", lock.holders) { writer, holder in
            writer.beginObject()
            writer.member("acquire_id", holder.acquireID)
            writer.member("owner", holder.owner)
            writer.member("mode", holder.mode.word)
            writer.member("fencing_token", token: holder.fencingToken)
            writer.member("granted", Instant.text(holder.grantedUnixMillis))
            writer.member("expires", Instant.text(holder.expiresUnixMillis))
            writer.member("purpose", holder.purpose)
            writer.endObject()
        }
        member("waiter_count", lock.waiterCount)
        member("waiters", lock.waiters) { writer, waiter in
            writer.beginObject()
            writer.member("owner", waiter.owner)
            writer.member("mode", waiter.mode.word)
            writer.member("since", Instant.text(waiter.sinceUnixMillis))
            writer.member("purpose", waiter.purpose)
            writer.endObject()
        }
        endObject()
    }

    fileprivate mutating func grant(_ grant: LockGrant) {
        beginObject()
        member("acquire_id", grant.acquireID)
        member("owner", grant.owner)
        member("lease_millis", grant.leaseMillis)
        member("expires", Instant.text(grant.expiresUnixMillis))
        member("holds", grant.holds) { writer, hold in
            writer.beginObject()
            writer.member("resource", hold.resource)
            writer.member("mode", hold.mode.word)
            writer.member("fencing_token", token: hold.fencingToken)
            writer.member("count", hold.count)
            writer.endObject()
        }
        endObject()
    }
}
