/// A value on its way to text. A tree, not text at once, since `Codable` lets a type fill several
/// containers in turn.
enum EncodedValue {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array(EncodedArray)
    case object(EncodedObject)
    /// A place handed out by `superEncoder`, filled by the time the text is written.
    case later(ValueEncoder)

    /// Lets a value encode itself; whatever it throws leaves as a `JSONError` that names a path.
    init(_ value: some Encodable, at place: CodingPlace) throws(JSONError) {
        let encoder = ValueEncoder(place: place)
        do {
            try value.encode(to: encoder)
        } catch let error as JSONError {
            throw error
        } catch let error as EncodingError {
            throw JSONError(error, at: place)
        } catch {
            throw place.error(.invalidValue, "\(error)")
        }
        guard let encoded = encoder.value else {
            throw place.error(.invalidValue, "\(type(of: value)) encoded nothing")
        }
        self = encoded
    }
}

/// The elements of an array being filled.
final class EncodedArray {
    var elements: [EncodedValue] = []
}

/// The members of an object being filled, in the order they came; one encoded again keeps its
/// place and gets the new value.
final class EncodedObject {
    private(set) var members: [(name: String, value: EncodedValue)] = []
    /// Places by name, kept only for objects so large that looking through them would cost more.
    private var places: [ArraySlice<UInt8>: Int] = [:]

    /// Objects of up to this many members are looked through.
    private static let largestUnindexedCount = 16

    subscript(_ name: String) -> EncodedValue? {
        get { place(of: name).map { members[$0].value } }
        set {
            guard let newValue else { return }
            if let place = place(of: name) {
                members[place].value = newValue
            } else {
                append(name, newValue)
            }
        }
    }

    private func place(of name: String) -> Int? {
        members.count <= Self.largestUnindexedCount
            ? members.firstIndex { $0.name.hasSameBytes(as: name) } : places[name.nameBytes]
    }

    private func append(_ name: String, _ value: EncodedValue) {
        members.append((name, value))
        if members.count == Self.largestUnindexedCount + 1 {
            for (place, member) in members.enumerated() {
                places[member.name.nameBytes] = place
            }
        } else if members.count > Self.largestUnindexedCount {
            places[name.nameBytes] = members.count - 1
        }
    }
}

extension JSONWriter {
    mutating func write(_ value: EncodedValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let text): number(text: text)
        case .string(let value): string(value)
        case .array(let array):
            beginArray()
            for element in array.elements { write(element) }
            endArray()
        case .object(let object):
            beginObject()
            for (name, value) in object.members {
                key(name)
                write(value)
            }
            endObject()
        // A super encoder that nothing was written to stands for an empty object.
        case .later(let encoder): write(encoder.value ?? .object(EncodedObject()))
        }
    }
}

extension JSONError {
    /// An error of user code or of the standard library, with its path if it names one.
    init(_ error: EncodingError, at place: CodingPlace) {
        guard case .invalidValue(_, let context) = error else {
            self.init(.invalidValue, "\(error)", path: place.path)
            return
        }
        let path =
            context.codingPath.isEmpty
            ? place.path : JSONPathExpression(codingPath: context.codingPath).description
        self.init(.invalidValue, context.debugDescription, path: path)
    }
}
