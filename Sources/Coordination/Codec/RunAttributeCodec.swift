/// Attributes as the head of a stored run holds them, so that filters need not read the rest.
extension ByteWriter {
    mutating func attributes(_ attributes: [RunAttribute]) {
        array(attributes) { writer, attribute in
            writer.string(attribute.name)
            switch attribute.value {
            case .text(let text):
                writer.byte(1)
                writer.string(text)
            case .number(let number):
                writer.byte(2)
                writer.double(number)
            case .flag(let flag): writer.byte(flag ? 4 : 3)
            }
        }
    }
}

extension ByteReader {
    mutating func attributes() throws(CodecError) -> [RunAttribute] {
        try array { reader throws(CodecError) in
            let name = try reader.string()
            switch try reader.byte() {
            case 1: return RunAttribute(name: name, value: .text(try reader.string()))
            case 2: return RunAttribute(name: name, value: .number(try reader.double()))
            case 3: return RunAttribute(name: name, value: .flag(false))
            case 4: return RunAttribute(name: name, value: .flag(true))
            default: throw CodecError("unknown kind of attribute", at: 0)
            }
        }
    }
}

extension RunCodec {
    /// A stored run's attributes, without reading the rest.
    public static func attributes(of blob: [UInt8]) throws(CodecError) -> [RunAttribute] {
        var reader = ByteReader(blob)
        let format = try reader.version(newest: version)
        _ = try reader.payloadID()
        return format >= 5 ? try reader.attributes() : []
    }
}
