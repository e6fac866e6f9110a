/// What version 2 of the run format adds: what few runs and few steps have. Tags are stored: never
/// renumber.
enum RunOptions {
    static func write(_ rare: Rare<RunExtra>, _ writer: inout ByteWriter) {
        if rare.isDefault { return writer.byte(0) }
        let extra = rare.value
        if let parent = extra.parent {
            writer.byte(1)
            writer.unsigned(parent.run.serial.rawValue)
            writer.count(parent.step)
        }
        writer.option(2, extra.depth, unless: 0) { $0.count($1) }
        writer.option(3, extra.signals, unless: []) { writer, signals in
            writer.array(signals) {
                $0.string($1.name)
                $0.unsigned($1.payload.serial.rawValue)
            }
        }
        if let closing = extra.closing {
            writer.byte(4)
            writer.byte(closing.rawValue)
        }
        writer.option(5, extra.compensation, unless: .none) { $0.byte($1.rawValue) }
        writer.option(6, extra.reason, unless: "") { $0.string($1) }
        if extra.isInputUnchecked { writer.byte(7) }
        writer.run(8, extra.continuedFrom)
        writer.run(9, extra.continuedAs)
        if let trace = extra.trace {
            writer.byte(10)
            writer.string(trace.traceparent)
        }
        writer.byte(0)
    }

    static func readRun(_ reader: inout ByteReader) throws(CodecError) -> Rare<RunExtra> {
        var extra = RunExtra()
        while true {
            let tag = try reader.byte()
            switch tag {
            case 0:
                var rare = Rare<RunExtra>()
                rare.value = extra
                return rare
            case 1:
                extra.parent = StepPlace(
                    run: try reader.runID(),
                    step: try reader.int())
            case 2: extra.depth = min(try reader.int(), 1_000_000)
            case 3:
                extra.signals = try reader.array { reader throws(CodecError) in
                    KeptSignal(name: try reader.string(), payload: try reader.payloadID())
                }
            case 4: extra.closing = try reader.choice("run status")
            case 5: extra.compensation = try reader.choice("compensation state")
            case 6: extra.reason = try reader.string()
            case 7: extra.isInputUnchecked = true
            case 8: extra.continuedFrom = try reader.runID()
            case 9: extra.continuedAs = try reader.runID()
            case 10: extra.trace = TraceContext(traceparent: try reader.string())
            default: throw CodecError("unknown run option \(tag)", at: 0)
            }
        }
    }

    // MARK: Steps

    static func write(_ rare: Rare<StepExtra>, base: Int64, _ writer: inout ByteWriter) {
        if rare.isDefault { return writer.byte(0) }
        let extra = rare.value
        if extra.usesFallback { writer.byte(1) }
        writer.option(2, extra.committedSequence, unless: 0) { $0.signed($1) }
        if extra.owner >= 0 {
            writer.byte(3)
            writer.count(extra.owner)
            writer.count(extra.index)
        }
        writer.payload(4, extra.input)
        writer.run(5, extra.child)
        writer.payload(6, extra.childResult)
        writer.option(7, extra.readyMillis, unless: 0) { $0.signed($1 &- base) }
        if extra.firstItem > 0 {
            writer.byte(8)
            writer.count(extra.firstItem)
            writer.count(extra.itemsBegun)
            writer.count(extra.itemsOpen)
        }
        writer.option(9, extra.rounds, unless: 0) { $0.count($1) }
        writer.byte(0)
    }

    static func readStep(
        base: Int64, _ reader: inout ByteReader
    ) throws(CodecError) -> Rare<StepExtra> {
        var extra = StepExtra()
        while true {
            let tag = try reader.byte()
            switch tag {
            case 0:
                var rare = Rare<StepExtra>()
                rare.value = extra
                return rare
            case 1: extra.usesFallback = true
            case 2: extra.committedSequence = try reader.signed()
            case 3:
                extra.owner = try reader.int()
                extra.index = try reader.int()
            case 4: extra.input = try reader.payloadID()
            case 5: extra.child = try reader.runID()
            case 6: extra.childResult = try reader.payloadID()
            case 7: extra.readyMillis = base &+ (try reader.signed())
            case 8:
                extra.firstItem = try reader.int()
                extra.itemsBegun = try reader.int()
                extra.itemsOpen = try reader.int()
            case 9: extra.rounds = min(try reader.int(), ChildLoop.maxTimes)
            default: throw CodecError("unknown step option \(tag)", at: 0)
            }
        }
    }
}

extension ByteWriter {
    /// A tag and the id of a run, if there is one.
    fileprivate mutating func run(_ tag: UInt8, _ id: RunID?) {
        guard let id else { return }
        byte(tag)
        unsigned(id.serial.rawValue)
    }

    /// A tag and the id of a stored payload, if there is one.
    fileprivate mutating func payload(_ tag: UInt8, _ id: PayloadID?) {
        guard let id else { return }
        byte(tag)
        unsigned(id.serial.rawValue)
    }
}
