import Coordination
import Store

/// What putting a subscription answers, the first time and again.
extension CoordinationEngine {
    /// Answers a repeat of a put, or an id that was used for another one.
    mutating func isPutBefore(
        _ namespace: Namespace, _ definition: SubscriptionDefinition, _ by: Signature,
        _ ticket: ReplyTicket
    ) -> Bool {
        let (key, hash) = PutAnswer.request(namespace, definition, by)
        switch rememberedAnswer(key, hash: hash) {
        case .new: return false
        case .reused(let seen): reject(ticket, .requestReused, seen: seen)
        case .known(let bytes, let seen):
            do throws(CodecError) {
                let known = try PutAnswer.decode(bytes)
                repeatPut(namespace, definition, known, storedIn: seen, ticket)
            } catch {
                reject(ticket, .unreadableAnswer(error), seen: seen)
            }
        }
        return true
    }

    /// A repeat is told of the subscription as it stands, or, when it is another one or none by now,
    /// of what was put.
    private mutating func repeatPut(
        _ namespace: Namespace, _ definition: SubscriptionDefinition, _ known: PutAnswer,
        storedIn batch: BatchNumber, _ ticket: ReplyTicket
    ) {
        let name = SubscriptionName(namespace: namespace, name: definition.name)
        var view = SubscriptionView(
            definition: definition, createdMillis: known.createdMillis,
            updatedMillis: known.updatedMillis, targets: [])
        var newest = max(batch, subscriptions.changedIn)
        if let cell = subscriptions.index[name],
            PutAnswer.content(subscriptions.cells[cell].definition) == PutAnswer.content(definition)
        {
            view = self.view(cell)
            newest = max(newest, seen(subscription: cell))
        }
        let answer = SubscriptionAnswer.put(view, changed: known.changed)
        self.answer(ticket, .event(.subscription(answer)), seen: newest)
    }

    /// Answers a put that was carried out, and remembers that.
    mutating func answerPut(
        _ cell: Int32, _ by: Signature, changed: Bool, _ ticket: ReplyTicket
    ) {
        let subscription = subscriptions.cells[cell]
        let (key, hash) = PutAnswer.request(subscription.namespace, subscription.definition, by)
        let known = PutAnswer(
            changed: changed, createdMillis: subscription.createdMillis,
            updatedMillis: subscription.updatedMillis)
        remember(key, hash: hash, answer: known.encoded)
        let isWritten = changed || !by.requestID.isEmpty
        let answer = SubscriptionAnswer.put(view(cell), changed: changed)
        self.answer(
            ticket, .event(.subscription(answer)),
            seen: isWritten ? filling : seen(subscription: cell))
    }
}

/// What a put answered, as it is remembered.
struct PutAnswer {
    var changed: Bool
    var createdMillis: Int64
    var updatedMillis: Int64

    /// What is remembered of a put, and the fingerprint of its content.
    static func request(
        _ namespace: Namespace, _ definition: SubscriptionDefinition, _ by: Signature
    ) -> (RequestLog.Key, hash: UInt64) {
        var hash = StableHash()
        if !by.requestID.isEmpty { hash.combine(content(definition)) }
        let key = RequestLog.Key(
            namespace: namespace, method: "PutSubscription", requestID: by.requestID)
        return (key, hash.value)
    }

    /// A definition's bytes: texts that only look alike are not the same.
    static func content(_ definition: SubscriptionDefinition) -> [UInt8] {
        SubscriptionCodec.encode(definition, createdMillis: 0, updatedMillis: 0)
    }

    /// Format version, whether anything changed, when it was made and changed.
    var encoded: [UInt8] {
        var writer = ByteWriter(capacity: 16)
        writer.byte(1)
        writer.bool(changed)
        writer.signed(createdMillis)
        writer.signed(updatedMillis)
        return writer.bytes
    }

    static func decode(_ answer: [UInt8]) throws(CodecError) -> PutAnswer {
        var reader = ByteReader(answer)
        _ = try reader.version(newest: 1)
        return PutAnswer(
            changed: try reader.bool(), createdMillis: try reader.signed(),
            updatedMillis: try reader.signed())
    }
}
