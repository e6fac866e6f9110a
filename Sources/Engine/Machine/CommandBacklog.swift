import Coordination

/// Durable commands that wait for room in a batch, in the order in which they came.
///
/// New work enters it up to a bound and can be taken out again; what ends or keeps work always
/// enters, since refusing it would lose it.
struct CommandBacklog: Sendable {
    /// From `head` on; `nil` where a command was struck out.
    private var entries: [Command?] = []
    private var head = 0
    /// Entries that have left at the front, ever: places keep their number while others leave.
    private var passed = 0
    private var places: [ReplyTicket: Int] = [:]
    /// Commands that wait.
    private(set) var count = 0
    /// Bytes of the new work that waits.
    private(set) var bytes = 0

    var isEmpty: Bool { count == 0 }

    /// Who waits for an answer to something in it.
    var tickets: [ReplyTicket] { entries[head...].compactMap { $0?.ticket } }

    mutating func append(_ command: Command) {
        if command.isNewDurableWork, let ticket = command.ticket {
            places[ticket] = passed + entries.count - head
        }
        entries.append(command)
        count += 1
        bytes += command.inputBytes
    }

    /// Takes the oldest command out.
    mutating func popFirst() -> Command? {
        while head < entries.count {
            let command = entries[head]
            entries[head] = nil
            head += 1
            passed += 1
            guard let command else { continue }
            noteGone(command)
            shorten()
            return command
        }
        shorten()
        return nil
    }

    /// Takes the new work of a caller out who does not wait for it any more; `false`: there was none.
    mutating func strike(_ ticket: ReplyTicket) -> Bool {
        guard let place = places[ticket] else { return false }
        strike(at: place - passed + head)
        return true
    }

    /// Takes all new work out and says who waited for it.
    mutating func strikeNewWork() -> [ReplyTicket] {
        let all = places.sorted { $0.value < $1.value }
        for (_, place) in all { strike(at: place - passed + head) }
        return all.map(\.key)
    }

    private mutating func strike(at index: Int) {
        guard let command = entries[index] else { return }
        entries[index] = nil
        noteGone(command)
    }

    private mutating func noteGone(_ command: Command) {
        count -= 1
        bytes -= command.inputBytes
        if command.isNewDurableWork, let ticket = command.ticket { places[ticket] = nil }
    }

    private mutating func shorten() {
        if head == entries.count {
            entries.removeAll(keepingCapacity: head <= 4_096)
            head = 0
        } else if head > 4_096, head * 2 > entries.count {
            entries.removeFirst(head)
            head = 0
        }
    }
}

extension Command {
    /// Whether it asks for something to be stored that does not exist yet: what a full disk or a
    /// full backlog refuses.
    var isNewDurableWork: Bool {
        switch self {
        case .putDefinition, .startRun: true
        case .breaker(.put, _), .breaker(.setPlan, _), .isolation(.setPolicy, _): true
        case .schedule(let command, _): command.isNewWork
        case .items(let command, _): command.isNewWork
        case .event(let command, _): command.isNewWork
        case .operateRun(let order, _): order.operation.isSignal
        case .memory(let command, _): command.isNewWork
        case .locks(let command, _): command.isNewWork
        default: false
        }
    }

    /// About how much memory its payload takes while it waits.
    var inputBytes: Int {
        switch self {
        case .schedule(let command, _): command.inputBytes
        case .items(let command, _): command.inputBytes
        case .event(let command, _): command.inputBytes
        case .startRun(let start, _):
            start.input.bytes.count + (start.signal?.payload.bytes.count ?? 0)
        case .operateRun(let order, _): order.operation.payloadBytes
        case .memory(let command, _): command.inputBytes
        case .putDefinition(let put, _):
            put.definition.textBytes
        case .breaker(.put(let put), _): BreakerCodec.encode(put.definition).count
        case .breaker(.setPlan(_, _, let plan, _), _): plan.payloadBytes
        case .isolation(.setPolicy(_, let policy, _), _): IsolationCodec.encode(policy).count
        default: 0
        }
    }
}

extension WorkflowDefinition {
    /// About how long its templates, conditions, contracts and forms are.
    fileprivate var textBytes: Int {
        steps.reduce((resultTemplate?.utf8.count ?? 0) + (inputSchema?.utf8.count ?? 0)) {
            $0 + $1.textBytes
        }
    }
}

extension StepDefinition {
    fileprivate var textBytes: Int {
        let texts = [
            inputTemplate, when, outputSchema, fallback?.inputTemplate, compensation?.inputTemplate,
        ]
        let bytes = texts.reduce(0) { $0 + ($1?.utf8.count ?? 0) }
        guard case .approval(let spec) = kind else { return bytes }
        return bytes + spec.formSchema.utf8.count + spec.prompt.utf8.count
    }
}

extension EmergencyPlan {
    fileprivate var payloadBytes: Int {
        actions.reduce(0) {
            $0 + ($1.apply?.payload.bytes.count ?? 0) + ($1.undo?.payload.bytes.count ?? 0)
        }
    }
}
