import Messages

/// What a step of a definition file may say beside its operation.
extension DefinitionFile {
    static func kind(_ fields: Fields) throws(Failed) -> StepDefinition.Kind? {
        var kinds: [StepDefinition.Kind] = []
        if let wait = try fields.inner("wait") { kinds.append(.wait(try self.wait(wait))) }
        if let approval = try fields.inner("approval") {
            kinds.append(.approval(try self.approval(approval)))
        }
        if let publish = try fields.inner("publish") {
            try publish.know(["event_type"])
            var step = PublishStep()
            step.eventType = try publish.text("event_type")
            kinds.append(.publish(step))
        }
        if let child = try fields.inner("child") { kinds.append(.child(try self.child(child))) }
        if let list = try fields.inner("fan_out") {
            try list.know(["width", "concurrency"])
            var step = FanOutStep()
            step.width = Int32(clamping: try list.integer("width"))
            step.concurrency = Int32(clamping: try list.integer("concurrency"))
            kinds.append(.fanOut(step))
        }
        if let next = try fields.inner("continue_as_new") {
            try next.know(["workflow", "version"])
            var step = ContinueStep()
            step.workflow = try next.text("workflow")
            step.version = try next.choice("version", ["current": .current, "keep": .keep])
            kinds.append(.continueAsNew(step))
        }
        if let ballot = try fields.inner("ballot") {
            kinds.append(.ballot(try self.ballot(ballot)))
        }
        if kinds.count > 1 {
            throw Failed(content: "\(fields.place) is of \(kinds.count) kinds; give one of them")
        }
        return kinds.first
    }

    private static func wait(_ fields: Fields) throws(Failed) -> WaitStep {
        try fields.know(["signal", "event_type", "millis"])
        var step = WaitStep()
        step.signal = try fields.text("signal")
        step.eventType = try fields.text("event_type")
        step.millis = try fields.integer("millis")
        return step
    }

    private static func approval(_ fields: Fields) throws(Failed) -> ApprovalStep {
        try fields.know(["assignees", "prompt", "millis", "default_decision", "form_schema"])
        var step = ApprovalStep()
        step.assignees = try fields.texts("assignees")
        step.prompt = try fields.text("prompt")
        step.millis = try fields.integer("millis")
        step.defaultDecision = try fields.choice(
            "default_decision",
            ["": .unspecified, "approve": .approve, "reject": .reject])
        step.formSchema = fields.template("form_schema")
        return step
    }

    private static func child(_ fields: Fields) throws(Failed) -> ChildStep {
        try fields.know(["workflow", "on_parent_close", "repeat"])
        var step = ChildStep()
        step.workflow = try fields.text("workflow")
        step.onParentClose = try fields.choice(
            "on_parent_close",
            ["terminate": .terminate, "abandon": .abandon, "request_cancel": .requestCancel])
        if let loop = try fields.inner("repeat") {
            try loop.know(["until", "times"])
            var message = ChildLoop()
            message.until = try loop.text("until")
            message.times = Int32(clamping: try loop.integer("times"))
            step.`repeat` = message
        }
        return step
    }

    static func addOptions(_ step: inout StepDefinition, _ fields: Fields) throws(Failed) {
        step.when = try fields.text("when")
        step.outputSchema = fields.template("output_schema")
        if let modes = try fields.inner("modes") { step.modes = try self.modes(modes) }
        step.scheduleToStartMillis = try fields.integer("schedule_to_start_millis")
        step.scheduleToCloseMillis = try fields.integer("schedule_to_close_millis")
        step.heartbeatMillis = try fields.integer("heartbeat_millis")
        step.priority = Int32(clamping: try fields.integer("priority"))
        step.onExhausted = try fields.choice(
            "on_exhausted", ["fail": .fail, "pause": .pause, "dead_letter": .deadLetter])
        if let work = try fields.inner("fallback") { step.fallback = try self.work(work) }
        if let work = try fields.inner("compensation") { step.compensation = try self.work(work) }
        if let key = try fields.inner("concurrency") {
            try key.know(["key", "limit"])
            var concurrency = ConcurrencyKey()
            concurrency.key = try key.text("key")
            concurrency.limit = Int32(clamping: try key.integer("limit"))
            step.concurrency = concurrency
        }
        if let key = try fields.inner("rate") {
            try key.know(["key", "limit", "per_millis"])
            var rate = RateKey()
            rate.key = try key.text("key")
            rate.limit = Int32(clamping: try key.integer("limit"))
            rate.perMillis = try key.integer("per_millis")
            step.rate = rate
        }
    }

    private static func modes(_ fields: Fields) throws(Failed) -> ModeBehavior {
        try fields.know(["normal", "degraded", "emergency"])
        let choices: KeyValuePairs<String, StepBehavior> = [
            "run": .run, "hold": .hold, "cached": .cached, "skip": .skip, "refuse": .refuse,
        ]
        var modes = ModeBehavior()
        modes.normal = try fields.choice("normal", choices)
        modes.degraded = try fields.choice("degraded", choices)
        modes.emergency = try fields.choice("emergency", choices)
        return modes
    }

    private static func work(_ fields: Fields) throws(Failed) -> StepWork {
        try fields.know([
            "agent_type", "operation", "input", "start_to_close_millis", "retry",
        ])
        var work = StepWork()
        work.agentType = try fields.text("agent_type")
        work.operation = try fields.text("operation")
        work.inputTemplate = fields.template("input")
        work.startToCloseMillis = try fields.integer("start_to_close_millis")
        if let retry = try fields.inner("retry") { work.retry = try self.retry(retry) }
        return work
    }
}
