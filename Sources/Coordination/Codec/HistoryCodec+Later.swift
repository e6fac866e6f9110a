/// The events that came with version 2 of the history format.
extension HistoryCodec {
    static func writeLater(_ kind: HistoryEventKind, _ writer: inout ByteWriter) {
        switch kind {
        case .signalReceived(let name, let payload):
            writer.byte(13)
            writer.string(name)
            writer.unsigned(payload.serial.rawValue)
        case .stepWaiting(let step, let attempt, let until):
            writer.begin(14, step, attempt)
            writer.signed(until)
        case .approvalDecided(let step, let decision, let actor, let comment, let payload):
            writer.byte(15)
            writer.string(step)
            writer.byte(decision.rawValue)
            writer.string(actor)
            writer.string(comment)
            writer.unsigned(payload.serial.rawValue)
        case .runPaused(let reason): writer.text(16, reason)
        case .runResumed(let reason): writer.text(17, reason)
        case .runTerminated(let reason): writer.text(18, reason)
        case .runRetried(let reason): writer.text(19, reason)
        case .runCompensating(let reason): writer.text(20, reason)
        case .stepFellBack(let step, let failure):
            writer.text(21, step)
            writer.failure(failure)
        case .stepParked(let step, let attempt, let failure):
            writer.begin(22, step, attempt)
            writer.failure(failure)
        case .stepRequeued(let step): writer.text(23, step)
        case .childStarted(let step, let attempt, let child):
            writer.begin(24, step, attempt)
            writer.unsigned(child.serial.rawValue)
        case .eventPublished(let step, let eventType, let receivers):
            writer.text(25, step)
            writer.string(eventType)
            writer.count(receivers)
        case .listStarted(let step, let attempt, let elements):
            writer.begin(26, step, attempt)
            writer.count(elements)
        case .runQueued: writer.byte(27)
        case .childEnded(let step, let attempt, let child, let status):
            writer.begin(28, step, attempt)
            writer.unsigned(child.serial.rawValue)
            writer.byte(status.rawValue)
        case .stepModeApplied(let step, let attempt, let behavior, let mode):
            writer.begin(29, step, attempt)
            writer.byte(behavior.rawValue)
            writer.byte(mode.rawValue)
        case .runContinued(let successor):
            writer.byte(30)
            writer.unsigned(successor.serial.rawValue)
        case .runTookOver(let input, let predecessor):
            writer.byte(31)
            writer.unsigned(input.serial.rawValue)
            writer.unsigned(predecessor.serial.rawValue)
        default: preconditionFailure("version 1 holds this event")
        }
    }

    static func readLater(
        _ tag: UInt8, _ reader: inout ByteReader
    ) throws(CodecError) -> HistoryEventKind {
        switch tag {
        case 16: return .runPaused(reason: try reader.string())
        case 17: return .runResumed(reason: try reader.string())
        case 18: return .runTerminated(reason: try reader.string())
        case 19: return .runRetried(reason: try reader.string())
        case 20: return .runCompensating(reason: try reader.string())
        case 27: return .runQueued
        case 30: return .runContinued(as: try reader.runID())
        case 31:
            return .runTookOver(input: try reader.payloadID(), from: try reader.runID())
        case 13:
            return .signalReceived(name: try reader.string(), payload: try reader.payloadID())
        default: return try readStepEvent(tag, &reader)
        }
    }

    private static func readStepEvent(
        _ tag: UInt8, _ reader: inout ByteReader
    ) throws(CodecError) -> HistoryEventKind {
        let step = try reader.string()
        switch tag {
        case 14:
            return .stepWaiting(
                step: step, attempt: try reader.int(), until: try reader.signed())
        case 15:
            return .approvalDecided(
                step: step, decision: try reader.choice("decision"), by: try reader.string(),
                comment: try reader.string(), payload: try reader.payloadID())
        case 21: return .stepFellBack(step: step, failure: try reader.failure())
        case 22:
            return .stepParked(
                step: step, attempt: try reader.int(), failure: try reader.failure())
        case 23: return .stepRequeued(step: step)
        case 24:
            return .childStarted(
                step: step, attempt: try reader.int(),
                child: try reader.runID())
        case 28:
            return .childEnded(
                step: step, attempt: try reader.int(),
                child: try reader.runID(),
                status: try reader.choice("run status"))
        case 29:
            return .stepModeApplied(
                step: step, attempt: try reader.int(),
                behavior: try reader.choice("step behavior"),
                mode: try reader.choice("operating mode"))
        case 25:
            return .eventPublished(
                step: step, eventType: try reader.string(), receivers: try reader.int())
        default:
            return .listStarted(
                step: step, attempt: try reader.int(), elements: try reader.int())
        }
    }
}

extension ByteReader {
    mutating func runID() throws(CodecError) -> RunID {
        RunID(serial: Serial(rawValue: try unsigned()))
    }
}

extension ByteWriter {
    fileprivate mutating func text(_ tag: UInt8, _ text: String) {
        byte(tag)
        string(text)
    }
}
