/// The events of a step as a whole.
extension HistoryCodec {
    static func writeStepEvent(_ kind: HistoryEventKind, _ writer: inout ByteWriter) {
        switch kind {
        case .stepSkipped(let step, let reason):
            writer.string(step)
            writer.string(reason)
        case .stepFellBack(let step, let failure):
            writer.string(step)
            writer.failure(failure)
        case .stepRequeued(let step): writer.string(step)
        case .approvalDecided(let step, let decision, let actor, let comment, let payload):
            writer.string(step)
            writer.byte(decision.rawValue)
            writer.string(actor)
            writer.string(comment)
            writer.payloadID(payload)
        case .eventPublished(let step, let eventType, let receivers):
            writer.string(step)
            writer.string(eventType)
            writer.count(receivers)
        default: preconditionFailure("\(HistoryTag(kind)) is no event of a step")
        }
    }

    static func readStepEvent(
        _ tag: HistoryTag, _ reader: inout ByteReader
    ) throws(CodecError) -> HistoryEventKind {
        let step = try reader.string()
        return switch tag {
        case .stepSkipped: .stepSkipped(step: step, reason: try reader.string())
        case .stepFellBack: .stepFellBack(step: step, failure: try reader.failure())
        case .stepRequeued: .stepRequeued(step: step)
        case .approvalDecided:
            .approvalDecided(
                step: step, decision: try reader.choice("decision"), by: try reader.string(),
                comment: try reader.string(), payload: try reader.payloadID())
        case .eventPublished:
            .eventPublished(
                step: step, eventType: try reader.string(), receivers: try reader.int())
        default: preconditionFailure("\(tag) is no event of a step")
        }
    }
}
