/// The events of the run itself.
extension HistoryCodec {
    static func writeRunEvent(_ kind: HistoryEventKind, _ writer: inout ByteWriter) {
        switch kind {
        case .runStarted(let payload), .runCompleted(let payload): writer.payloadID(payload)
        case .runTookOver(let input, let predecessor):
            writer.payloadID(input)
            writer.runID(predecessor)
        case .runContinued(let successor): writer.runID(successor)
        case .runFailed(let failure): writer.failure(failure)
        case .runCancelled(let reason), .runPaused(let reason), .runResumed(let reason),
            .runTerminated(let reason), .runRetried(let reason), .runCompensating(let reason):
            writer.string(reason)
        case .signalReceived(let name, let payload):
            writer.string(name)
            writer.payloadID(payload)
        case .runTimedOut, .runQueued: break
        default: preconditionFailure("\(HistoryTag(kind)) is no event of a run")
        }
    }

    static func readRunEvent(
        _ tag: HistoryTag, _ reader: inout ByteReader
    ) throws(CodecError) -> HistoryEventKind {
        switch tag {
        case .runStarted: .runStarted(input: try reader.payloadID())
        case .runTookOver: .runTookOver(input: try reader.payloadID(), from: try reader.runID())
        case .runContinued: .runContinued(as: try reader.runID())
        case .runCompleted: .runCompleted(result: try reader.payloadID())
        case .runFailed: .runFailed(failure: try reader.failure())
        case .runCancelled: .runCancelled(reason: try reader.string())
        case .runTimedOut: .runTimedOut
        case .runPaused: .runPaused(reason: try reader.string())
        case .runResumed: .runResumed(reason: try reader.string())
        case .runTerminated: .runTerminated(reason: try reader.string())
        case .runRetried: .runRetried(reason: try reader.string())
        case .runCompensating: .runCompensating(reason: try reader.string())
        case .runQueued: .runQueued
        case .signalReceived:
            .signalReceived(name: try reader.string(), payload: try reader.payloadID())
        default: preconditionFailure("\(tag) is no event of a run")
        }
    }
}
