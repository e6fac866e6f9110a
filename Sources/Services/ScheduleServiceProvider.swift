import Coordination
import Engine
import GRPC
import JSON
import Messages
import NIOCore
import Stubs

/// Serves `cadre.v1.ScheduleService`.
///
/// Runs on the socket loops; holds nothing of a call but closures on its link.
public struct ScheduleServiceProvider: ScheduleServiceHandler {
    private let links: EngineLinks
    private let zones: TimeZoneSource

    /// Serves the engine behind `links`; `zones` knows the time zones of this machine.
    public init(links: EngineLinks, zones: @escaping TimeZoneSource) {
        self.links = links
        self.zones = zones
    }

    /// Stores a schedule, or names everything that is wrong with it.
    public func putSchedule(
        _ request: PutScheduleRequest, _ call: UnaryCall<PutScheduleResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        guard let schedule = request.schedule else { return call.fail(.missing("schedule")) }
        var reader = ScheduleReader(schedule, namespace: namespace, zones: zones)
        let definition = reader.definition()
        if let status = reader.faults.status { return call.fail(status) }
        ask(call, .put(definition, by: call.signature(actor: "", requestID: ""))) { answer in
            guard case .put(let changed, let view) = answer else { return nil }
            return PutScheduleResponse(changed: changed, info: ScheduleInfo(view))
        }
    }

    /// One schedule as it stands.
    public func getSchedule(
        _ request: GetScheduleRequest, _ call: UnaryCall<GetScheduleResponse>
    ) {
        guard let name = name(request.id, call) else { return }
        ask(call, .get(name)) { answer in
            guard case .one(let view) = answer else { return nil }
            return GetScheduleResponse(info: ScheduleInfo(view))
        }
    }

    /// A page of schedules by ascending id.
    public func listSchedules(
        _ request: ListSchedulesRequest, _ call: UnaryCall<ListSchedulesResponse>
    ) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        faults.check(
            (0...1_000).contains(request.pageSize), "page_size",
            "is \(request.pageSize); 1 to 1000, 0 for the default of 100")
        faults.check(request.pageToken.utf8.count <= 256, "page_token", "is over 256 bytes")
        if let status = faults.status { return call.fail(status) }
        let size = request.pageSize == 0 ? 100 : Int(request.pageSize)
        let after = request.pageToken.isEmpty ? nil : request.pageToken
        ask(call, .list(namespace, after: after, limit: size)) { answer in
            guard case .list(let views, let more) = answer else { return nil }
            var response = ListSchedulesResponse()
            var budget = PageBudget()
            for view in views {
                let info = ScheduleInfo(view)
                guard budget.take(info) else { break }
                response.schedules.append(info)
            }
            if more || response.schedules.count < views.count {
                response.nextPageToken = response.schedules.last?.schedule?.id ?? ""
            }
            return response
        }
    }

    /// Takes a schedule away.
    public func deleteSchedule(
        _ request: DeleteScheduleRequest, _ call: UnaryCall<DeleteScheduleResponse>
    ) {
        guard let name = name(request.id, call) else { return }
        ask(call, .delete(name, by: call.signature(actor: "", requestID: ""))) { answer in
            guard case .deleted = answer else { return nil }
            return DeleteScheduleResponse()
        }
    }

    /// Lets its times pass by.
    public func pauseSchedule(
        _ request: PauseScheduleRequest, _ call: UnaryCall<PauseScheduleResponse>
    ) {
        guard let name = name(request.id, reason: request.reason, call) else { return }
        let by = call.signature(actor: "", reason: request.reason, requestID: "")
        ask(call, .pause(name, reason: request.reason, by: by)) { answer in
            guard case .one(let view) = answer else { return nil }
            return PauseScheduleResponse(info: ScheduleInfo(view))
        }
    }

    /// Lets its times count again.
    public func resumeSchedule(
        _ request: ResumeScheduleRequest, _ call: UnaryCall<ResumeScheduleResponse>
    ) {
        guard let name = name(request.id, reason: request.reason, call) else { return }
        let by = call.signature(actor: "", reason: request.reason, requestID: "")
        ask(call, .resume(name, reason: request.reason, by: by)) { answer in
            guard case .one(let view) = answer else { return nil }
            return ResumeScheduleResponse(info: ScheduleInfo(view))
        }
    }

    /// Starts a run now.
    public func triggerSchedule(
        _ request: TriggerScheduleRequest, _ call: UnaryCall<TriggerScheduleResponse>
    ) {
        guard let name = name(request.id, requestID: request.requestID, call) else { return }
        let by = call.signature(actor: "", requestID: request.requestID)
        ask(call, .trigger(name, requestID: request.requestID, by: by)) { answer in
            guard case .triggered(let slot, let workflowID, let isTaken) = answer else {
                return nil
            }
            return TriggerScheduleResponse(
                slotUnixMillis: slot.millis, workflowID: workflowID, taken: isTaken)
        }
    }

    // MARK: Parts

    /// The schedule a request names; wrong fields refuse the call and give `nil`.
    private func name<Response>(
        _ id: String, reason: String = "", requestID: String = "", _ call: UnaryCall<Response>
    ) -> ScheduleName? {
        guard let namespace = call.namespace() else { return nil }
        var faults = FieldFaults()
        faults.checkName(id, "id")
        faults.check(reason.utf8.count <= 1_024, "reason", "is over 1,024 bytes")
        faults.check(requestID.utf8.count <= 256, "request_id", "is over 256 bytes")
        if let status = faults.status {
            call.fail(status)
            return nil
        }
        return ScheduleName(namespace: namespace, id: id)
    }

    private func ask<Response>(
        _ call: UnaryCall<Response>, _ command: ScheduleCommand,
        _ make: @escaping (ScheduleAnswer) -> Response?
    ) {
        guard call.isOpen else { return }
        let link = links.link(on: call.eventLoop)
        let ticket = link.ask({ .schedule(command, $0) }) { answer in
            if case .schedule(let answer) = answer, let response = make(answer) {
                call.respond(response)
            } else {
                call.fail(answer.refusal)
            }
        }
        call.onCancel { _ in link.abandon(ticket) }
    }
}
