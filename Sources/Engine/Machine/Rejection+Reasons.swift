import Coordination
import Store

/// Every refusal in one place: stable reasons, and messages that say what to do.
extension Rejection {
    static let draining = Rejection(
        .unavailable, reason: "SERVER_DRAINING",
        "the server is shutting down and takes no new work; try again on another or after restart")

    static let deadlinePassed = Rejection(
        .deadline, reason: "DEADLINE_PASSED",
        "the call's deadline passed before the agent answered; allow more time")

    /// More time would not have helped: somebody isolated the only instances by hand.
    static func allIsolated(_ type: String) -> Rejection {
        Rejection(
            .deadline, reason: "DEADLINE_PASSED",
            "the call's deadline passed while every instance of \"\(type)\" was isolated; "
                + "RestoreAgent one, or start another")
    }

    /// For who gave up; tells its link that nothing more comes.
    static let abandoned = Rejection(
        .conflict, reason: "CALL_ABANDONED", "the caller waits no longer")

    static let diskFull = Rejection(
        .overloaded, reason: "DISK_FULL",
        "the disk of the store is full, or less than \(FreeSpaceMark.defaultText) of it are free: "
            + "open runs go on, new durable work is refused until there is more",
        retryAfterMillis: 5_000)

    static func backlogFull(_ waiting: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "BACKLOG_FULL",
            "\(waiting) requests wait for the disk already; try again later",
            retryAfterMillis: 200)
    }

    static func unknownSchedule(_ id: String, known: [String]) -> Rejection {
        Rejection(
            .notFound, reason: "SCHEDULE_NOT_FOUND",
            "no schedule \"\(id)\" in this namespace; "
                + offer(known, "there are", "there is none yet"))
    }

    static func tooManySchedules(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_SCHEDULES",
            "there are \(limit) schedules already; delete some that are not needed",
            retryAfterMillis: 60_000)
    }

    static func unknownAgentType(_ type: String, known: [String]) -> Rejection {
        Rejection(
            .notFound, reason: "AGENT_TYPE_NOT_FOUND",
            "no agent type \"\(type)\"; " + offer(known, "known types", "no agent has joined yet"))
    }

    static func noInstance(of type: String) -> Rejection {
        Rejection(
            .unavailable, reason: "NO_LIVE_INSTANCE",
            "agent type \"\(type)\" has no live instance; start one and try again")
    }

    static func instanceNotMade(_ type: String, _ failure: String) -> Rejection {
        Rejection(
            .unavailable, reason: "INSTANCE_NOT_MADE",
            "no instance of agent type \"\(type)\" can be made (\(failure)); mend that, it is tried "
                + "again by itself", retryAfterMillis: 1_000)
    }

    static func unknownInstance(_ id: AgentID, of type: String) -> Rejection {
        Rejection(
            .notFound, reason: "AGENT_NOT_FOUND",
            "no live instance \"\(id)\" of agent type \"\(type)\"; list the agents")
    }

    static func notStarted(_ type: String) -> Rejection {
        Rejection(
            .unavailable, reason: "NOT_STARTED_IN_TIME",
            "no instance of agent type \"\(type)\" had a free slot within the call's "
                + "schedule_to_start; it was not begun")
    }

    static func parentEnded(_ token: AssignmentToken) -> Rejection {
        Rejection(
            .precondition, reason: "PARENT_ENDED",
            "assignment \(token.serial.rawValue), on whose behalf this was called, is not running "
                + "any more: it ended, was cancelled, or was given to another instance")
    }

    static func tooManyDefinitions(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_DEFINITIONS",
            "this server has \(limit) definitions, the limit; put a new version of one instead")
    }

    static func tooManyWatching(_ what: String, _ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_WATCHERS",
            "\(limit) callers watch \(what) already; try again later", retryAfterMillis: 5_000)
    }

    static func callsTooDeep(_ limit: Int) -> Rejection {
        Rejection(
            .precondition, reason: "CALLS_TOO_DEEP",
            "\(limit) calls are open above this one, each on behalf of the one before; does an "
                + "agent call itself?")
    }

    static func unknownAgent(_ id: AgentID) -> Rejection {
        Rejection(
            .notFound, reason: "AGENT_NOT_FOUND",
            "no agent \(id) is in the pool; ListAgents names those that are")
    }

    static func irreplaceable(_ id: AgentID) -> Rejection {
        Rejection(
            .precondition, reason: "LAST_INSTANCE",
            "agent \"\(id)\" is the last of its type and lives in the server, which would make no "
                + "other before it starts again; have another one join first, or drain the server "
                + "(AdminService.Drain)")
    }

    static func instanceDraining(_ id: AgentID) -> Rejection {
        Rejection(
            .unavailable, reason: "AGENT_DRAINING",
            "agent \(id) finishes its work and leaves; name another one, or none")
    }

    static func unknownOperation(
        _ operation: String, of type: String, known: [String]
    ) -> Rejection {
        Rejection(
            .notFound, reason: "OPERATION_NOT_FOUND",
            "agent type \"\(type)\" has no operation \"\(operation)\"; "
                + offer(known.sorted(), "it has", "it has none"))
    }

    static func unknownOperation(
        _ operation: String, of instance: AgentID, known: [String]
    ) -> Rejection {
        Rejection(
            .notFound, reason: "OPERATION_NOT_FOUND",
            "agent \"\(instance)\" has no operation \"\(operation)\"; "
                + offer(known.sorted(), "it has", "it has none"))
    }

    static func tooMuchWaiting(_ type: String, limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "QUEUE_FULL",
            "\(limit) calls wait for agent type \"\(type)\" already; try again later or add "
                + "instances", retryAfterMillis: 100)
    }

    static func tooManyInvokeBytes(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "INVOKE_BYTES_FULL",
            "the payloads of open calls have \(limit) bytes already; try again later, or hand over "
                + "a reference instead", retryAfterMillis: 200)
    }

    static func instanceLost(_ id: AgentID, operation: String) -> Rejection {
        Rejection(
            .unavailable, reason: lostReason,
            "instance \"\(id)\" left while it worked; \"\(operation)\" may have run")
    }

    /// An instance was lost, and then there was this reason not to try with another.
    static func instanceLost(before reason: Rejection) -> Rejection {
        Rejection(
            .unavailable, reason: lostReason,
            "the instance that worked left, so that the operation may have run; no other took it "
                + "up: \(reason.message)")
    }

    private static let lostReason = "INSTANCE_LOST"

    /// Whether an instance had the work and was lost with it: it may have run.
    var isInstanceLost: Bool { reason == Self.lostReason }

    static func unknownWorkflow(_ name: String, known: [String]) -> Rejection {
        Rejection(
            .notFound, reason: "WORKFLOW_NOT_FOUND",
            "no workflow \"\(name)\" in this namespace; "
                + offer(known, "there are", "put a definition first"))
    }

    static func unknownRun(_ reference: RunReference) -> Rejection {
        let name =
            switch reference {
            case .run(_, let id): "run \(id)"
            case .workflow(_, let name): "run of workflow id \"\(name)\""
            }
        return Rejection(
            .notFound, reason: "RUN_NOT_FOUND",
            "no \(name) in this namespace; list the runs, or check the namespace")
    }

    static func runOpen(_ workflowID: String, _ run: RunID) -> Rejection {
        Rejection(
            .exists, reason: "WORKFLOW_RUNNING",
            "workflow id \"\(workflowID)\" has the open run \(run); wait for it, cancel it, or "
                + "start with conflict policy use_existing")
    }

    static func runClosed(_ run: RunSummary) -> Rejection {
        Rejection(
            .precondition, reason: "RUN_CLOSED",
            "run \(run.id) has ended already (\(run.status)); there is nothing to cancel")
    }

    static func runExpiring(_ run: RunID) -> Rejection {
        Rejection(
            .precondition, reason: "RUN_EXPIRING",
            "run \(run) ended so long ago that it is being removed; start a new one")
    }

    static func runChanging(_ run: RunID) -> Rejection {
        Rejection(
            .unavailable, reason: "RUN_CHANGING",
            "run \(run) is being taken up, or its end is being written; try again",
            retryAfterMillis: 50)
    }

    static func runEnded(_ run: RunSummary) -> Rejection {
        Rejection(
            .precondition, reason: "RUN_CLOSED",
            "run \(run.id) has ended already (\(run.status)); \(run.wayOn)")
    }

    static func notInState(_ run: RunSummary, _ wish: String) -> Rejection {
        Rejection(
            .precondition, reason: "RUN_NOT_IN_STATE",
            "run \(run.id) is \(run.status) and cannot \(wish)")
    }

    static func signalRefused(
        _ refusal: RunMachine.SignalRefusal, _ run: RunSummary
    ) -> Rejection {
        switch refusal {
        case .ended:
            Rejection(
                .precondition, reason: "RUN_CLOSED",
                "run \(run.id) is \(run.status) and takes no signals")
        case .tooMany(let limit):
            Rejection(
                .overloaded, reason: "SIGNALS_FULL",
                "run \(run.id) keeps \(limit) signals that no step has waited for; let it take "
                    + "some first", retryAfterMillis: 1_000)
        case .runFull:
            Rejection(
                .precondition, reason: "RUN_FULL",
                "the history or payloads of run \(run.id) have no room for a signal; start a "
                    + "new run")
        }
    }

    static func decisionRefused(
        _ refusal: RunMachine.DecisionRefusal, _ answer: ApprovalAnswer, _ run: RunID
    ) -> Rejection {
        switch refusal {
        case .noApproval:
            Rejection(
                .notFound, reason: "APPROVAL_NOT_FOUND",
                "run \(run) has no approval step \"\(answer.step)\"",
                fields: [FieldFault(field: "step", description: "is no approval of this run")])
        case .notWaiting(let state):
            Rejection(
                .precondition, reason: "APPROVAL_NOT_WAITING",
                "step \"\(answer.step)\" of run \(run) is \(state) and waits for no decision")
        case .notAssigned(let assignees):
            Rejection(
                .precondition, reason: "NOT_ASSIGNED",
                "\"\(answer.actor)\" may not decide step \"\(answer.step)\"; "
                    + offer(assignees, "those who may", "nobody may"),
                fields: [FieldFault(field: "actor", description: "is no assignee of the step")])
        case .runFull:
            Rejection(
                .precondition, reason: "RUN_FULL",
                "the payloads of run \(run) have no room for this decision's form")
        }
    }

    static func notParked(_ step: String, _ run: RunID) -> Rejection {
        Rejection(
            .precondition, reason: "NOT_A_DEAD_LETTER",
            "step \"\(step)\" of run \(run) is no dead letter; list the dead letters")
    }

    static func retryRefused(
        _ refusal: RunMachine.RetryRefusal, _ run: RunSummary
    ) -> Rejection {
        let why =
            switch refusal {
            case .open: "has not ended"
            case .completed: "completed; start a new run"
            case .continued:
                "continues as run \(run.continuedAs.map(\.description) ?? "?")"
            case .undone: "was undone by its compensations, at least in part; start a new run"
            case .runFull: "has no room left in its history; start a new run"
            }
        return Rejection(
            .precondition, reason: "RUN_NOT_RETRYABLE", "run \(run.id) \(why)")
    }

    static func tooManyQueued(_ workflowID: String, _ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_QUEUED",
            "\(limit) runs wait for the open one of workflow id \"\(workflowID)\"; wait for some",
            retryAfterMillis: 1_000)
    }

    static func tooManyRuns(_ limit: Int) -> Rejection {
        Rejection(
            .overloaded, reason: "TOO_MANY_OPEN_RUNS",
            "\(limit) runs are open, the limit of this server; wait for some to end",
            retryAfterMillis: 1_000)
    }

    static let requestReused = Rejection(
        .invalid, reason: "REQUEST_ID_REUSED",
        "this request_id was used with other content; a new request needs a new one",
        fields: [
            FieldFault(field: "request_id", description: "belongs to another request already")
        ])

    static func callKeyReused(
        _ key: String, _ known: RecordedCalls.Question
    ) -> Rejection {
        Rejection(
            .invalid, reason: "CALL_KEY_REUSED",
            "the call \"\(key)\" of this step was of \"\(known.operation)\" of agent type "
                + "\"\(known.agentType)\"; another call needs a key of its own",
            fields: [FieldFault(field: "key", description: "belongs to another call already")])
    }

    static func unreadableAnswer(_ error: CodecError) -> Rejection {
        Rejection(
            .unavailable, reason: "ANSWER_UNREADABLE",
            "this request was carried out, but the answer kept for it cannot be read (\(error)); "
                + "look at what it changed")
    }

    /// What is wrong with a definition; not empty.
    public static func badDefinition(_ faults: [FieldFault]) -> Rejection {
        Rejection(
            .invalid, reason: "INVALID_DEFINITION",
            "the definition has \(faults.count) fault\(faults.count == 1 ? "" : "s"): "
                + faults.prefix(3).map { "\($0.field) \($0.description)" }.joined(separator: "; "),
            fields: faults)
    }

    static func sameVersion(_ name: String, _ version: String) -> Rejection {
        Rejection(
            .exists, reason: "VERSION_TAKEN",
            "workflow \"\(name)\" has a version \"\(version)\" with other content; give the "
                + "changed definition a new version")
    }

    static func definitionExists(_ name: String, _ version: String) -> Rejection {
        Rejection(
            .exists, reason: "WORKFLOW_EXISTS",
            "workflow \"\(name)\" exists with version \"\(version)\"; allow replacing it")
    }

    /// Up to ten names to choose from.
    static func offer(_ names: [String], _ some: String, _ none: String) -> String {
        if names.isEmpty { return none }
        let rest = names.count > 10 ? " and \(names.count - 10) more" : ""
        return "\(some): \(names.prefix(10).joined(separator: ", "))\(rest)"
    }
}

extension RunSummary {
    /// What is left to do about a run that has ended.
    fileprivate var wayOn: String {
        switch status {
        case .completed: "start a new run"
        case .continuedAsNew:
            "it goes on as run \(continuedAs.map(\.description) ?? "?"): name that one, or the "
                + "workflow id"
        case .failed, .cancelled, .timedOut, .terminated: "only RetryRun can take it up"
        case .running, .paused, .compensating, .queued: "look at it again"
        }
    }
}
