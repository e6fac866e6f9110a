import Coordination
import Store

/// Answers that steps had to calls they made under a key, kept for their next attempts: one stored
/// entity each, so that they outlive the process.
struct RecordedCalls: Sendable {
    /// What was called. The payload is no part of it: a later attempt may make it anew, with another
    /// time in it.
    struct Question: Sendable, Equatable {
        var agentType: String
        var operation: String

        init(agentType: String, operation: String) {
            self.agentType = agentType
            self.operation = operation
        }

        init(_ invoke: Invoke) {
            self.init(agentType: invoke.agentType, operation: invoke.operation)
        }

        static func == (a: Self, b: Self) -> Bool {
            a.agentType.hasSameBytes(as: b.agentType) && a.operation.hasSameBytes(as: b.operation)
        }
    }

    /// One answer, what was asked (`nil`: an older build stored it and did not say), and the batch
    /// that stores it; `.none`: it is not stored, or long on disk.
    struct Entry: Sendable {
        var question: Question?
        var answer: InvokeAnswer
        var changedIn: BatchNumber
    }

    private var steps: [StepPlace: [String: Entry]] = [:]

    var isEmpty: Bool { steps.isEmpty }

    func entry(_ key: String, of place: StepPlace) -> Entry? { steps[place]?[key] }

    /// How many answers a step keeps.
    func count(of place: StepPlace) -> Int { steps[place]?.count ?? 0 }

    mutating func insert(_ entry: Entry, _ key: String, of place: StepPlace) {
        steps[place, default: [:]][key] = entry
    }

    /// Forgets all answers of a step and gives their keys.
    mutating func remove(_ place: StepPlace) -> [String] {
        steps.removeValue(forKey: place)?.keys.sorted() ?? []
    }
}

/// How one recorded answer is stored.
enum RecordedCallCodec {
    /// Names the row: the run, the step's index and the caller's key.
    static func key(_ place: StepPlace, _ key: String) -> String {
        "\(place.run)/\(place.step)/\(key)"
    }

    /// Format version, place, key, answer, question. Only answers that succeeded are recorded.
    static func encode(
        _ place: StepPlace, _ key: String, _ question: RecordedCalls.Question,
        _ payload: Payload, _ answer: InvokeAnswer
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: payload.bytes.count + key.utf8.count + 160)
        writer.byte(2)
        writer.unsigned(place.run.serial.rawValue)
        writer.count(place.step)
        writer.string(key)
        writer.payload(payload)
        writer.string(answer.agent.name)
        writer.count(answer.attempts)
        writer.signed(answer.queueNanos)
        writer.signed(answer.executionNanos)
        writer.signed(answer.atMillis)
        writer.string(question.agentType)
        writer.string(question.operation)
        return writer.bytes
    }

    static func decode(
        _ blob: [UInt8]
    ) throws(CodecError) -> (place: StepPlace, key: String, entry: RecordedCalls.Entry) {
        var reader = ByteReader(blob)
        let version = try reader.version(newest: 2)
        let run = try reader.runID()
        let place = StepPlace(run: run, step: try reader.int())
        let key = try reader.string()
        let payload = try reader.payload()
        let answer = InvokeAnswer(
            outcome: .success(payload), agent: AgentID(try reader.string()),
            attempts: try reader.int(), queueNanos: try reader.signed(),
            executionNanos: try reader.signed(), atMillis: try reader.signed())
        var question: RecordedCalls.Question?
        if version >= 2 {
            question = RecordedCalls.Question(
                agentType: try reader.string(), operation: try reader.string())
        }
        let entry = RecordedCalls.Entry(question: question, answer: answer, changedIn: .none)
        return (place, key, entry)
    }
}

extension CoordinationEngine {
    /// Answers a call with what an earlier attempt of the step that is its parent was answered under
    /// the same key, or refuses it when that asked for something else. Whether it did either.
    mutating func isRecorded(
        _ invoke: Invoke, key: String, parent: Int32, _ ticket: ReplyTicket
    ) -> Bool {
        guard !key.isEmpty, case .step(let run, let step) = jobs[parent].work else { return false }
        let place = StepPlace(run: runs[run].machine.state.id, step: step)
        guard let known = recorded.entry(key, of: place) else { return false }
        if let question = known.question, question != RecordedCalls.Question(invoke) {
            reject(ticket, .callKeyReused(key, question), seen: known.changedIn)
        } else {
            answer(ticket, .invoked(known.answer), seen: known.changedIn)
        }
        return true
    }

    /// Keeps a good answer for the next attempt of the step that is the call's parent. While the
    /// disk is full it is kept in memory only.
    ///
    /// - Returns: the batch that stores it: the caller hears the answer when that is on disk.
    mutating func record(_ invoke: Invoke, _ answer: InvokeAnswer) -> BatchNumber {
        guard let extras = invoke.extras, let parent = extras.parent, !extras.key.isEmpty,
            let job = tokens[parent.serial.rawValue],
            case .step(let run, let step) = jobs[job].work,
            case .success(let payload) = answer.outcome,
            payload.bytes.count <= limits.maxRecordedBytes
        else { return .none }
        let state = runs[run].machine.state
        let place = StepPlace(run: state.id, step: step)
        guard recorded.count(of: place) < limits.maxRecordedCalls else { return .none }
        let question = RecordedCalls.Question(invoke)
        var stored = BatchNumber.none
        if !isDiskFull, !isLowOnSpace {
            stored = put(
                EntityRow(
                    kind: .recordedCall, namespace: state.namespace.name,
                    key: RecordedCallCodec.key(place, extras.key),
                    blob: RecordedCallCodec.encode(place, extras.key, question, payload, answer)))
        }
        recorded.insert(
            RecordedCalls.Entry(question: question, answer: answer, changedIn: stored),
            extras.key, of: place)
        return stored
    }

    /// A step has its result, or is no more: nobody asks for its answers again.
    mutating func forgetRecorded(_ run: Int32, _ step: Int) {
        if recorded.isEmpty { return }
        let state = runs[run].machine.state
        let place = StepPlace(run: state.id, step: step)
        for key in recorded.remove(place) {
            put(
                EntityRow(
                    kind: .recordedCall, namespace: state.namespace.name,
                    key: RecordedCallCodec.key(place, key), blob: nil))
        }
    }

    /// A run has ended.
    mutating func forgetRecorded(_ run: Int32) {
        if recorded.isEmpty { return }
        for step in runs[run].steps.indices { forgetRecorded(run, step) }
    }

    /// An answer that an earlier process recorded.
    mutating func restoreRecorded(_ entity: EntityRow) throws(CodecError) {
        guard let blob = entity.blob else { return }
        let (place, key, entry) = try RecordedCallCodec.decode(blob)
        recorded.insert(entry, key, of: place)
    }
}
