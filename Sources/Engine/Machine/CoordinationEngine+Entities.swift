import Coordination
import Store

/// What is stored beside runs and definitions: entities, one row each, and the audit log.
///
/// A domain (breakers, schedules ...) keeps its state in one struct of its own, calls
/// ``put(_:)`` with the new encoding whenever that must survive a restart, and takes its rows back
/// in ``restore(_:)``.
extension CoordinationEngine {
    /// Writes or deletes (`blob` nil) an entity with the filling batch. Of several writes to the
    /// same entity in one batch only the last one is stored.
    ///
    /// - Returns: the batch that holds it, which answers that saw the change must wait for.
    @discardableResult
    mutating func put(_ entity: EntityRow) -> BatchNumber {
        let name = EntityName(kind: entity.kind, namespace: entity.namespace, key: entity.key)
        if let known = draft.entityIndex[name] {
            draft.entities[known] = entity
        } else {
            draft.entityIndex[name] = draft.entities.count
            draft.entities.append(entity)
        }
        return filling
    }

    /// Appends a line to the audit log with the filling batch; its time is the turn's.
    ///
    /// Texts are cut to ``EngineLimits/maxAuditText`` bytes.
    ///
    /// - Parameters:
    ///   - namespace: what was changed belongs to it; empty for the whole server.
    ///   - actor: who did it.
    ///   - action: the method's name, such as `ForceBreaker`.
    ///   - subject: what was changed, such as `breaker/payments`.
    ///   - before: what held before, as text; empty: nothing.
    ///   - after: what holds now, as text; empty: nothing.
    ///   - requestID: the id of the request; may be empty.
    /// - Returns: the batch that holds it.
    @discardableResult
    mutating func audit(
        namespace: Namespace, actor: String, action: String, subject: String, before: String = "",
        after: String = "", requestID: String = ""
    ) -> BatchNumber {
        let bytes = limits.maxAuditText
        draft.audits.append(
            AuditRow(
                atMillis: now.wallMillis, namespace: namespace.name,
                actor: actor.cut(toBytes: bytes), action: action.cut(toBytes: bytes),
                subject: subject.cut(toBytes: bytes), before: before.cut(toBytes: bytes),
                after: after.cut(toBytes: bytes), requestID: requestID.cut(toBytes: bytes)))
        return filling
    }

    /// What the audit log says of a state that may end by itself.
    mutating func plainText(_ state: String, until millis: Int64?) -> String {
        millis.map { "\(state) until \(Timestamp(millis: $0))" } ?? state
    }

    /// An entity that the store holds; before the runs that may depend on it.
    ///
    /// Kinds that this build does not know are left alone, so that a newer one finds them again.
    public mutating func restore(_ entity: EntityRow) throws(CodecError) {
        switch entity.entityKind {
        case .breaker, .operatingMode, .isolationPolicy, .isolation: try keepForFirstTurn(entity)
        case .pausedKey, .keyPace: try keepKey(entity)
        case .batchDefinition, .batchItem: try keepItem(entity)
        case .ballotSeries, .ballotRecord, .voterAccuracy: try restoreSeries(entity)
        case .recordedCall: try restoreRecorded(entity)
        case .schedule, .scheduleState: try restoreSchedule(entity)
        case .topic, .forgottenTopics: try restoreTopic(entity)
        case .subscription, .subscriber, .eventDeadLetters: try restoreSubscription(entity)
        case .stepOutput: try restoreStepOutput(entity)
        case .versionMarks: try restoreVersionMarks(entity)
        case .memoryLine: try restoreLine(entity)
        case .lockAcquire: try restoreLock(entity)
        default: break
        }
    }
}

/// Names an entity inside a shard.
struct EntityName: Sendable, Hashable {
    var kind: UInt8
    var namespace: String
    var key: String

    /// By the bytes of the key.
    static func == (a: Self, b: Self) -> Bool {
        a.kind == b.kind && a.namespace == b.namespace && a.key.hasSameBytes(as: b.key)
    }

    /// By the bytes of the key.
    func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(namespace)
        hasher.combine(bytesOf: key)
    }
}

extension String {
    /// The text, or as much of its beginning as fits with three dots behind it.
    func cut(toBytes limit: Int) -> String {
        if utf8.count <= limit { return self }
        var end = utf8.index(startIndex, offsetBy: max(0, limit - 3))
        while end > startIndex, String.Index(end, within: unicodeScalars) == nil {
            end = utf8.index(before: end)
        }
        return String(self[..<end]) + "..."
    }
}
