import GRPC
import Messages
import Stubs
import Testing

struct ScheduleServiceTests {
    private func defined(_ server: ServerUnderTest) async throws -> ScheduleServiceClient {
        var definition = WorkflowDefinition(name: "one", version: "1")
        definition.steps = [StepDefinition(id: "s", agentType: "probe", operation: "say")]
        _ = try await WorkflowServiceClient(client: server.client)
            .putDefinition(PutDefinitionRequest(definition: definition))
        return ScheduleServiceClient(client: server.client)
    }

    private var nightly: Schedule {
        Schedule(
            id: "nightly", workflow: "one", cron: ["30 2 * * MON-FRI"], timeZone: "Test/Plus1",
            overlap: .bufferOne, note: "a note")
    }

    @Test func `a schedule is put, found, paused, triggered and deleted`() async throws {
        try await ServerUnderTest.with { server in
            let schedules = try await defined(server)
            let put = PutScheduleRequest(schedule: nightly)
            let first = try await schedules.putSchedule(put)
            #expect(first.changed)
            #expect(first.info?.nextUnixMillis.count == 5)
            // 02:30 an hour east of Greenwich.
            #expect(first.info?.nextUnixMillis.allSatisfy { $0 % 86_400_000 == 5_400_000 } == true)
            #expect(try await schedules.putSchedule(put).changed == false)

            let got = try await schedules.getSchedule(GetScheduleRequest(id: "nightly")).info
            #expect(got?.schedule?.cron == nightly.cron)
            #expect(got?.schedule?.workflowIDPrefix == "nightly")
            #expect(got?.schedule?.catchUpMillis == 3_600_000)

            let paused = try await schedules.pauseSchedule(
                PauseScheduleRequest(id: "nightly", reason: "why"))
            #expect(paused.info?.paused == true && paused.info?.pauseReason == "why")
            let request = TriggerScheduleRequest(id: "nightly", requestID: "r")
            let triggered = try await schedules.triggerSchedule(request)
            #expect(triggered.taken)
            #expect(try await schedules.triggerSchedule(request) == triggered)
            let run = try await WorkflowServiceClient(client: server.client).awaitRun(
                AwaitRunRequest(run: RunReference(by: .workflowID(triggered.workflowID))))
            #expect(run.run?.status == .completed)

            let resumed = try await schedules.resumeSchedule(ResumeScheduleRequest(id: "nightly"))
            #expect(resumed.info?.paused == false && resumed.info?.started == 1)
            _ = try await schedules.deleteSchedule(DeleteScheduleRequest(id: "nightly"))
            let status = await #expect(throws: GRPCStatus.self) {
                try await schedules.getSchedule(GetScheduleRequest(id: "nightly"))
            }
            #expect(status?.code == .notFound)
        }
    }

    @Test func `lists come by page in the order of their ids`() async throws {
        try await ServerUnderTest.with { server in
            let schedules = try await defined(server)
            for id in ["c", "a", "b"] {
                var schedule = nightly
                schedule.id = id
                _ = try await schedules.putSchedule(PutScheduleRequest(schedule: schedule))
            }
            var request = ListSchedulesRequest(pageSize: 2)
            var ids: [String] = []
            repeat {
                let page = try await schedules.listSchedules(request)
                ids += page.schedules.compactMap(\.schedule?.id)
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            #expect(ids == ["a", "b", "c"])
        }
    }

    @Test func `every bad field is found at once`() async throws {
        try await ServerUnderTest.with { server in
            let schedules = try await defined(server)
            let bad = Schedule(
                id: "", workflow: "", input: Payload(data: Array("{".utf8)),
                cron: ["* * *", "0 0 30 2 *"],
                intervals: [ScheduleInterval(everySeconds: 0)], timeZone: "Nowhere/At_All",
                startUnixMillis: 5, endUnixMillis: 4, jitterMillis: -1,
                overlap: .unrecognized(77), catchUpMillis: -1)
            let status = await #expect(throws: GRPCStatus.self) {
                try await schedules.putSchedule(PutScheduleRequest(schedule: bad))
            }
            #expect(status?.code == .invalidArgument)
            // Id, workflow, end, jitter, catch-up, input, both crons, the interval, zone, overlap.
            #expect(status?.message == "schedule.id is required (and 10 more)")
            let missing = await #expect(throws: GRPCStatus.self) {
                try await schedules.putSchedule(PutScheduleRequest())
            }
            #expect(missing?.code == .invalidArgument)
            var unknown = nightly
            unknown.workflow = "none"
            let notFound = await #expect(throws: GRPCStatus.self) {
                try await schedules.putSchedule(PutScheduleRequest(schedule: unknown))
            }
            #expect(notFound?.code == .notFound)
        }
    }
}
