/// One filling of a template's holes, stopped where its result would become too long.
struct TemplateRendering {
    private let strings: [Int: [TemplateSegment]]
    private let values: [JSONPathExpression: JSONView]
    private let maxBytes: Int
    private var writer: JSONWriter

    init(
        strings: [Int: [TemplateSegment]], values: [JSONPathExpression: JSONView], maxBytes: Int,
        reservedBytes: Int
    ) {
        self.strings = strings
        self.values = values
        self.maxBytes = maxBytes
        writer = JSONWriter(reservedBytes: min(reservedBytes, maxBytes))
    }

    consuming func finish() -> [UInt8] { writer.finish() }

    /// Recursion is bounded by the depth limit the template was checked with.
    mutating func write(_ view: JSONView) throws(TemplateRenderingError) {
        switch view.kind {
        case .object:
            writer.beginObject()
            for member in view.members {
                writer.key(member.name)
                try write(member.value)
            }
            writer.endObject()
        case .array:
            writer.beginArray()
            for element in view.elements { try write(element) }
            writer.endArray()
        case .string:
            try write(strings[view.index] ?? [], insteadOf: view)
        case .null, .bool, .number:
            writer.value(view)
        }
        try makeRoom(for: 0)
    }

    private mutating func write(
        _ segments: [TemplateSegment], insteadOf view: JSONView
    ) throws(TemplateRenderingError) {
        if segments.isEmpty { return writer.value(view) }
        if segments.count == 1, case .reference(let only) = segments[0], let value = values[only] {
            try makeRoom(for: value.rawBytes.count)
            return writer.value(value)
        }
        var text = ""
        for segment in segments {
            text += segment.text(with: values)
            try makeRoom(for: text.utf8.count)
        }
        writer.string(text)
    }

    private func makeRoom(for bytes: Int) throws(TemplateRenderingError) {
        if writer.byteCount > maxBytes - bytes { throw .tooLarge(maxBytes: maxBytes) }
    }
}
