/// The stored form of what a publication says beside topic and payload.
enum PublicationCodec {
    struct Head {
        var contentType: String
        var key: String
        var attributes: [PublicationContent.Attribute]
        var publisher: String
    }

    static func encode(
        contentType: String, key: String, attributes: [PublicationContent.Attribute],
        publisher: String
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: 32 + key.utf8.count + publisher.utf8.count)
        writer.byte(1)
        // Nearly all payloads are JSON, which is stored as nothing.
        writer.string(contentType == Payload.json ? "" : contentType)
        writer.string(key)
        writer.string(publisher)
        writer.array(attributes) { writer, attribute in
            writer.string(attribute.name)
            writer.string(attribute.value)
        }
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(CodecError) -> Head {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        let contentType = try reader.string()
        let key = try reader.string()
        let publisher = try reader.string()
        let attributes = try reader.array { reader throws(CodecError) in
            PublicationContent.Attribute(name: try reader.string(), value: try reader.string())
        }
        return Head(
            contentType: contentType.isEmpty ? Payload.json : contentType, key: key,
            attributes: attributes, publisher: publisher)
    }
}
