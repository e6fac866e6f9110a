import ArgumentParser
import Messages
import Stubs

/// Schedules: what starts runs at given times.
struct ScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule", abstract: "Start workflows at given times.",
        subcommands: [
            Put.self, List.self, Show.self, Pause.self, Resume.self, Trigger.self, Delete.self,
        ])
}

extension ScheduleCommand {
    /// Which schedule, and where.
    struct Target: ParsableArguments {
        @Argument(help: "The schedule's id.")
        var id: String

        @OptionGroup var server: ServerOptions

        /// Makes one call and prints the schedule it gives.
        func run(
            _ call: (ScheduleServiceClient) async throws -> ScheduleInfo?
        ) async throws {
            try await reporting {
                try await server.withClient { client in
                    let info = try await call(ScheduleServiceClient(client: client))
                    ScheduleReport.show(info ?? ScheduleInfo(), server.output)
                }
            }
        }
    }

    /// Puts a schedule.
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a schedule, or replace the one of the same id.",
            discussion: """
                cadre schedule put nightly --workflow report --cron "0 2 * * MON-FRI" \
                --zone Europe/Berlin
                """)

        @Option(help: "The workflow to start.")
        var workflow: String

        @Option(help: "minute hour day month weekday, or @hourly and its like; may be repeated.")
        var cron: [String] = []

        @Option(help: ArgumentHelp("Start every so many seconds.", valueName: "seconds"))
        var every: Int64?

        @Option(help: ArgumentHelp("Shifts --every.", valueName: "seconds"))
        var offset: Int64 = 0

        @Option(help: "The time zone of --cron, such as Europe/Berlin. Default: UTC.")
        var zone = ""

        @Option(help: "The input of every run: JSON, @FILE, or - for standard input.")
        var input = "{}"

        @Option(
            help: """
                While an earlier run is open: skip, buffer_one, buffer_all, cancel_other, \
                terminate_other or allow_all.
                """,
            completion: .list(OverlapPolicy.allCases.dropFirst().map(\.word)))
        var overlap = "skip"

        @Option(help: ArgumentHelp("Spreads starts over so much time.", valueName: "seconds"))
        var jitter: Int64 = 0

        @Option(
            help: ArgumentHelp(
                "How old missed times may be that are made up for. Default: an hour.",
                valueName: "seconds"))
        var catchUp: Int64?

        @Option(help: "For people.")
        var note = ""

        @OptionGroup var target: Target

        func validate() throws {
            _ = try policy()
        }

        private func policy() throws -> OverlapPolicy {
            guard let policy = OverlapPolicy.allCases.first(where: { $0.word == overlap }),
                policy != .unspecified
            else {
                let words = OverlapPolicy.allCases.dropFirst().map(\.word)
                throw ValidationError("--overlap is one of \(words.joined(separator: ", "))")
            }
            return policy
        }

        func run() async throws {
            var schedule = Schedule()
            schedule.id = target.id
            schedule.workflow = workflow
            schedule.cron = cron
            if let every {
                schedule.intervals = [
                    ScheduleInterval(everySeconds: every, offsetSeconds: offset)
                ]
            }
            schedule.timeZone = zone
            schedule.overlap = try policy()
            schedule.jitterMillis = jitter.multipliedClamped(by: 1_000)
            schedule.catchUpMillis = (catchUp ?? 0).multipliedClamped(by: 1_000)
            schedule.note = note
            let (text, prepared) = (input, schedule)
            try await target.run { client in
                var schedule = prepared
                schedule.input = Payload(data: try InputText.bytes(text))
                return try await client.putSchedule(
                    PutScheduleRequest(schedule: schedule), options: target.server.callOptions
                ).info
            }
        }
    }

    /// Lists schedules.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List schedules.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let schedules = ScheduleServiceClient(client: client)
                    var request = ListSchedulesRequest()
                    var all: [ScheduleInfo] = []
                    repeat {
                        let page = try await schedules.listSchedules(
                            request, options: server.callOptions)
                        all += page.schedules
                        request.pageToken = page.nextPageToken
                    } while !request.pageToken.isEmpty
                    ScheduleReport.show(all, server.output)
                }
            }
        }
    }

    /// Shows one.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a schedule, its last starts and its next times.")

        @OptionGroup var target: Target

        func run() async throws {
            try await target.run {
                try await $0.getSchedule(
                    GetScheduleRequest(id: target.id), options: target.server.callOptions
                ).info
            }
        }
    }

    /// Pauses one.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a schedule's times pass by until it is resumed.")

        @Option(help: "Why, for others.")
        var reason = ""

        @OptionGroup var target: Target

        func run() async throws {
            try await target.run {
                try await $0.pauseSchedule(
                    PauseScheduleRequest(id: target.id, reason: reason),
                    options: target.server.callOptions
                ).info
            }
        }
    }

    /// Resumes one.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused schedule's times count again from now on.")

        @Option(help: "Why, for others.")
        var reason = ""

        @OptionGroup var target: Target

        func run() async throws {
            try await target.run {
                try await $0.resumeSchedule(
                    ResumeScheduleRequest(id: target.id, reason: reason),
                    options: target.server.callOptions
                ).info
            }
        }
    }

    /// Starts a run now.
    struct Trigger: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start a run now, as the overlap policy allows.",
            discussion: "Exits 1 when the policy left it out.")

        @Option(help: "Makes a repeat of this command harmless for 24 hours.")
        var requestID: String?

        @OptionGroup var target: Target

        func validate() throws {
            try OptionCheck.id(requestID, "--request-id")
        }

        func run() async throws {
            try await reporting {
                try await target.server.withClient { client in
                    let response = try await ScheduleServiceClient(client: client)
                        .triggerSchedule(
                            TriggerScheduleRequest(id: target.id, requestID: requestID ?? ""),
                            options: target.server.callOptions)
                    guard response.taken else {
                        throw Failed("a run is open and the overlap policy left this one out")
                    }
                    switch target.server.output {
                    case .table: printVisible(response.workflowID)
                    case .json: printJSON { $0.member("workflow_id", response.workflowID) }
                    }
                }
            }
        }
    }

    /// Deletes one.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a schedule; its open runs go on.")

        @OptionGroup var target: Target

        func run() async throws {
            try await reporting {
                try await target.server.withClient { client in
                    _ = try await ScheduleServiceClient(client: client).deleteSchedule(
                        DeleteScheduleRequest(id: target.id), options: target.server.callOptions)
                    DeletionReport.show(target.id, target.server.output)
                }
            }
        }
    }
}

extension Int64 {
    /// The product, or the largest number of its sign.
    func multipliedClamped(by factor: Int64) -> Int64 {
        let (product, isTooLarge) = multipliedReportingOverflow(by: factor)
        return isTooLarge ? (self < 0 ? .min : .max) : product
    }
}
