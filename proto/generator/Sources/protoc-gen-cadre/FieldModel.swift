import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// What a field holds, once per value.
enum ValueKind {
    case number(String)
    case bool
    case string
    case bytes
    case enumeration(EnumDescriptor)
    case message(Descriptor)

    init(_ field: FieldDescriptor) {
        switch field.type {
        case .double: self = .number("Double")
        case .float: self = .number("Float")
        case .int64, .sint64, .sfixed64: self = .number("Int64")
        case .uint64, .fixed64: self = .number("UInt64")
        case .int32, .sint32, .sfixed32: self = .number("Int32")
        case .uint32, .fixed32: self = .number("UInt32")
        case .bool: self = .bool
        case .string: self = .string
        case .bytes: self = .bytes
        case .enum: self = .enumeration(field.enumType)
        case .message, .group: self = .message(field.messageType)
        }
    }

    /// What proto3 gives a field that is not on the wire.
    var defaultValue: String {
        switch self {
        case .number: "0"
        case .bool: "false"
        case .string: "\"\""
        case .bytes: "[]"
        case .enumeration(let type): "." + Names.enumCase(type.values[0])
        case .message: "nil"
        }
    }
}

/// A property of a generated struct: a field, or a oneof in place of its fields.
enum Member {
    case single(FieldDescriptor, ValueKind)
    case repeated(FieldDescriptor, ValueKind)
    case map(FieldDescriptor, key: FieldDescriptor, value: FieldDescriptor)
    case oneof(OneofDescriptor)

    /// The members of a message in the order of the proto; a oneof where its first field is.
    static func all(of message: Descriptor) -> [Member] {
        var members: [Member] = []
        for field in message.fields {
            if let oneof = field.realContainingOneof {
                if oneof.fields.first?.number == field.number { members.append(.oneof(oneof)) }
            } else if field.isMap, let pair = field.messageType.mapKeyAndValue {
                members.append(.map(field, key: pair.key, value: pair.value))
            } else {
                let kind = ValueKind(field)
                members.append(field.isRepeated ? .repeated(field, kind) : .single(field, kind))
            }
        }
        return members
    }

    var name: String {
        switch self {
        case .single(let field, _), .repeated(let field, _), .map(let field, _, _):
            Names.property(field)
        case .oneof(let oneof): Names.property(oneof)
        }
    }

    var defaultValue: String {
        switch self {
        case .single(_, let kind): kind.defaultValue
        case .repeated: "[]"
        case .map: "[:]"
        case .oneof: "nil"
        }
    }
}

/// Finds the fields through which a value would contain itself.
enum Recursion {
    /// Whether a singular message field must be kept behind a pointer.
    static func needsIndirection(_ field: FieldDescriptor) -> Bool {
        guard !field.isRepeated, case .message(let target) = ValueKind(field) else { return false }
        var seen: Set<String> = []
        return reaches(field.containingType, from: target, &seen)
    }

    private static func reaches(
        _ goal: Descriptor, from message: Descriptor, _ seen: inout Set<String>
    ) -> Bool {
        if message.fullName == goal.fullName { return true }
        guard seen.insert(message.fullName).inserted else { return false }
        for field in message.fields where !field.isRepeated {
            if case .message(let next) = ValueKind(field), reaches(goal, from: next, &seen) {
                return true
            }
        }
        return false
    }
}

/// Names types as seen from inside a message, whose nested types may hide outer ones.
struct TypeScope {
    let module: String
    private let hidden: Set<String>

    init(_ message: Descriptor, module: String) {
        self.module = module
        var names: Set<String> = []
        var scope: Descriptor? = message
        while let current = scope {
            names.formUnion(current.messages.filter { !$0.options.mapEntry }.map(Names.simple))
            names.formUnion(current.enums.map { Names.simple($0) })
            names.formUnion(current.realOneofs.map { Names.simple($0) })
            scope = current.containingType
        }
        hidden = names
    }

    func type(_ kind: ValueKind) -> String {
        switch kind {
        case .number(let name): name
        case .bool: "Bool"
        case .string: "String"
        case .bytes: "[UInt8]"
        case .enumeration(let type): visible(Names.full(type))
        case .message(let message): visible(Names.full(message))
        }
    }

    func type(_ member: Member) -> String {
        switch member {
        case .single(_, .message(let message)): visible(Names.full(message)) + "?"
        case .single(_, let kind): type(kind)
        case .repeated(_, let kind): "[\(type(kind))]"
        case .map(_, let key, let value):
            "FieldMap<\(type(ValueKind(key))), \(type(ValueKind(value)))>"
        case .oneof(let oneof): Names.simple(oneof) + "?"
        }
    }

    private func visible(_ name: String) -> String {
        let first = name.split(separator: ".").first.map(String.init) ?? name
        return hidden.contains(first) ? module + "." + name : name
    }
}
