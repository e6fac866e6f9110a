import ArgumentParser
import JSON
import Messages
import Stubs

/// What operators do: back up, look through the store, drain, read the audit log.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Back up, verify, drain, read the audit log.",
        subcommands: [Backup.self, Verify.self, Drain.self, Audit.self])
}

extension AdminCommand {
    /// Writes a backup to a file.
    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a consistent, checked copy of the server's store to a file.",
            discussion: """
                To restore it, put it as cadre.sqlite into an empty directory and serve from there. \
                A large store takes longer than the default --timeout.
                """)

        @Argument(help: "The file to write; it must not exist.", completion: .file())
        var file: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                let target = try BackupFile(file)
                do {
                    try await server.withClient { client in
                        let pieces = try await AdminServiceClient(client: client)
                            .backup(BackupRequest(), options: server.callOptions)
                        for try await piece in pieces {
                            try target.append(piece.data, of: piece.totalBytes)
                        }
                    }
                    show(try target.finish())
                } catch {
                    target.discard()
                    throw error
                }
            }
        }

        private func show(_ bytes: Int64) {
            guard server.output == .json else { return printVisible("\(file): \(bytes) bytes") }
            printJSON {
                $0.member("file", file)
                $0.member("bytes", bytes)
            }
        }
    }

    /// Looks through the store.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look through every page of the server's store.",
            discussion: "Exits 1 when something is wrong.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let response = try await AdminServiceClient(client: client)
                        .verifyStore(VerifyStoreRequest(), options: server.callOptions)
                    show(response)
                    if let first = response.problems.first {
                        throw Failed("the store is damaged: \(first); restore a backup")
                    }
                }
            }
        }

        private func show(_ response: VerifyStoreResponse) {
            if server.output == .json {
                return printJSON {
                    $0.member("problems", response.problems)
                    $0.member("took_millis", response.tookMillis)
                }
            }
            for problem in response.problems { printVisible(problem) }
            if response.problems.isEmpty { printVisible("good, in \(response.tookMillis) ms") }
        }
    }

    /// Refuses new work and waits for what is open.
    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have the server refuse new work and bring everything decided to disk.",
            discussion: """
                There is no way back: stop the server then. Open runs go on after the next start. \
                Exits 1 when the time was over before everything was done.
                """)

        @Option(help: ArgumentHelp("How long to wait, 1 to 3600.", valueName: "seconds"))
        var wait = 10

        @OptionGroup var server: ServerOptions

        func validate() throws {
            try OptionCheck.range(wait, 1...3_600, "--wait")
        }

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    var request = DrainRequest()
                    request.timeoutMillis = Int64(wait) * 1_000
                    let response = try await AdminServiceClient(client: client)
                        .drain(request, options: server.callOptions)
                    show(response)
                    if !response.drained {
                        throw Failed("\(response.openInvokes) calls are open still")
                    }
                }
            }
        }

        private func show(_ response: DrainResponse) {
            if server.output == .json {
                return printJSON {
                    $0.member("drained", response.drained)
                    $0.member("open_runs", response.openRuns)
                    $0.member("open_invokes", response.openInvokes)
                }
            }
            guard response.drained else { return }
            printVisible("drained; \(response.openRuns) open runs go on after the next start")
        }
    }

    /// Prints the audit log.
    struct Audit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what was changed by hand, newest first.")

        @Option(name: .customLong("in"), help: "Only changes in this namespace.")
        var inNamespace = ""

        @Option(help: "Only changes of this, such as breaker/payments.")
        var subject = ""

        @Option(help: "At most so many; 1 or more.")
        var limit = 100

        @OptionGroup var server: ServerOptions

        func validate() throws {
            try OptionCheck.range(limit, 1...Int.max, "--limit")
        }

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    show(try await entries(AdminServiceClient(client: client)))
                }
            }
        }

        private func entries(_ admin: AdminServiceClient) async throws -> [AuditEntry] {
            var request = ListAuditRequest()
            request.namespace = inNamespace
            request.subject = subject
            var entries: [AuditEntry] = []
            repeat {
                request.pageSize = Int32(min(limit - entries.count, 1_000))
                let page = try await admin.listAudit(request, options: server.callOptions)
                entries += page.entries
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty && entries.count < limit
            return entries
        }

        private func show(_ entries: [AuditEntry]) {
            if server.output == .json {
                return printJSON { $0.member("entries", entries) { $0.auditEntry($1) } }
            }
            var table = TextTable(
                "SEQ", "TIME", "NAMESPACE", "ACTOR", "ACTION", "SUBJECT", "CHANGE")
            for entry in entries {
                table.add(
                    "\(entry.sequence)", Instant.text(entry.unixMillis), entry.namespace,
                    entry.actor, entry.action, entry.subject,
                    "\(entry.before) -> \(entry.after)")
            }
            printVisible(table.text)
        }
    }
}

extension JSONWriter {
    /// One line of the audit log.
    fileprivate mutating func auditEntry(_ entry: AuditEntry) {
        beginObject()
        member("sequence", entry.sequence)
        member("unix_millis", entry.unixMillis)
        member("namespace", entry.namespace)
        member("actor", entry.actor)
        member("action", entry.action)
        member("subject", entry.subject)
        member("before", entry.before)
        member("after", entry.after)
        member("request_id", entry.requestID)
        endObject()
    }
}
