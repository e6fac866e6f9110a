import Coordination
import Store

/// Answers that steps had to calls they made under a key, kept for their next attempts: one stored
/// entity each, so that they outlive the process.
struct RecordedCalls: Sendable {
    /// One answer, and the batch that stores it; `.none`: it is not stored, or long on disk.
    struct Entry: Sendable {
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

    /// Format version, place, key, answer. Only answers that succeeded are recorded.
    static func encode(
        _ place: StepPlace, _ key: String, _ payload: Payload, _ answer: InvokeAnswer
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: payload.bytes.count + key.utf8.count + 96)
        writer.byte(1)
        writer.unsigned(place.run.serial.rawValue)
        writer.count(place.step)
        writer.string(key)
        writer.string(payload.contentType)
        writer.array(payload.bytes) { $0.byte($1) }
        writer.string(answer.agent.name)
        writer.count(answer.attempts)
        writer.signed(answer.queueNanos)
        writer.signed(answer.executionNanos)
        writer.signed(answer.atMillis)
        return writer.bytes
    }

    static func decode(
        _ blob: [UInt8]
    ) throws(CodecError) -> (place: StepPlace, key: String, answer: InvokeAnswer) {
        var reader = ByteReader(blob)
        _ = try reader.version(newest: 1)
        let run = RunID(serial: Serial(rawValue: try reader.unsigned()))
        let place = StepPlace(run: run, step: try reader.int())
        let key = try reader.string()
        let type = try reader.string()
        let bytes = try reader.array { reader throws(CodecError) in try reader.byte() }
        let payload = Payload(
            bytes: bytes, contentType: type == Payload.json ? Payload.json : type)
        let answer = InvokeAnswer(
            outcome: .success(payload), agent: AgentID(try reader.string()),
            attempts: try reader.int(), queueNanos: try reader.signed(),
            executionNanos: try reader.signed(), atMillis: try reader.signed())
        return (place, key, answer)
    }
}

extension CoordinationEngine {
    /// Keeps a good answer for the next attempt of the step that is the call's parent. While the
    /// disk is full it is kept in memory only.
    ///
    /// - Returns: the batch that stores it: the caller hears the answer when that is on disk.
    mutating func record(_ extras: InvokeExtras, _ answer: InvokeAnswer) -> BatchNumber {
        guard let parent = extras.parent, !extras.key.isEmpty,
            let job = tokens[parent.serial.rawValue],
            case .step(let run, let step) = jobs[job].work,
            case .success(let payload) = answer.outcome,
            payload.bytes.count <= limits.maxRecordedBytes
        else { return .none }
        let state = runs[run].machine.state
        let place = StepPlace(run: state.id, step: step)
        guard recorded.count(of: place) < limits.maxRecordedCalls else { return .none }
        var stored = BatchNumber.none
        if !isDiskFull, !isLowOnSpace {
            stored = put(
                EntityRow(
                    kind: .recordedCall, namespace: state.namespace.name,
                    key: RecordedCallCodec.key(place, extras.key),
                    blob: RecordedCallCodec.encode(place, extras.key, payload, answer)))
        }
        recorded.insert(
            RecordedCalls.Entry(answer: answer, changedIn: stored), extras.key, of: place)
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
        let (place, key, answer) = try RecordedCallCodec.decode(blob)
        recorded.insert(RecordedCalls.Entry(answer: answer, changedIn: .none), key, of: place)
    }
}
