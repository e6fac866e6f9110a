import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// Writes the codecs of one proto file: protobuf-c structs to values and back.
struct CodecWriter {
    let options: Options

    func text(for file: FileDescriptor) -> String {
        var output = SourceText(header: file.name)
        output.line()
        if options.importsMessages { output.line("import Messages") }
        output.line("import \(options.cModule)")
        output.line("import CProtobufC")
        for message in file.messages {
            codec(message, &output)
        }
        return output.text
    }

    private func codec(_ message: Descriptor, _ output: inout SourceText) {
        let members = Member.all(of: message)
        output.line()
        output.block("extension \(Names.full(message)): ProtobufMessage") { output in
            output.line("public static let protoName = \"\(message.fullName)\"")
            output.line(
                "public static let layout = unsafe WireLayout(\(CNames.initialize(message)))")
            output.line()
            output.block("@unsafe public init(reading source: UnsafeRawPointer)") { output in
                if !members.isEmpty { bind("source", message, &output) }
                for member in members { read(member, message, &output) }
            }
            output.line()
            let head =
                "@unsafe public func write(to target: UnsafeMutableRawPointer, in arena: Arena)"
            output.block(head) { output in
                bind("target", message, &output)
                output.line("unsafe \(CNames.initialize(message))(c)")
                for member in members { write(member, &output) }
            }
        }
        for nested in message.messages where !nested.options.mapEntry {
            codec(nested, &output)
        }
    }

    private func bind(_ pointer: String, _ message: Descriptor, _ output: inout SourceText) {
        let type = CNames.type(message.fullName)
        output.line("let c = unsafe \(pointer).assumingMemoryBound(to: \(type).self)")
    }

    // MARK: - Reading

    private func read(_ member: Member, _ message: Descriptor, _ output: inout SourceText) {
        let name = "self." + member.name
        switch member {
        case .single(let field, let kind):
            output.line("unsafe \(name) = \(reading(kind, "c.pointee." + access(field), message))")
        case .repeated(let field, let kind):
            let access = CNames.field(field)
            let function = listFunction(kind)
            output.line(
                "unsafe \(name) = CField.\(function)(c.pointee.n_\(access), c.pointee.\(self.access(field)))"
            )
        case .map(let field, let key, let value):
            readMap(name, field, key, value, message, &output)
        case .oneof(let oneof):
            readChoice(name, oneof, message, &output)
        }
    }

    private func readMap(
        _ name: String, _ field: FieldDescriptor, _ key: FieldDescriptor, _ value: FieldDescriptor,
        _ message: Descriptor, _ output: inout SourceText
    ) {
        let access = CNames.field(field)
        let readKey = reading(ValueKind(key), "e.pointee.key", message)
        let readValue = present(ValueKind(value), "e.pointee.value", message)
        output.block(
            "unsafe \(name) = CField.map(c.pointee.n_\(access), c.pointee.\(self.access(field)))"
        ) { output in
            output.line("e in unsafe (\(readKey), \(readValue))")
        }
    }

    private func readChoice(
        _ name: String, _ oneof: OneofDescriptor, _ message: Descriptor,
        _ output: inout SourceText
    ) {
        output.block("switch unsafe c.pointee.\(CNames.caseField(oneof)).rawValue") { output in
            for field in oneof.fields {
                let value = present(ValueKind(field), "c.pointee." + access(field), message)
                output.line(
                    "case \(field.number): unsafe \(name) = .\(Names.property(field))(\(value))")
            }
            output.line("default: \(name) = nil")
        }
    }

    /// An expression for the value; optional for a message.
    private func reading(_ kind: ValueKind, _ access: String, _ message: Descriptor) -> String {
        switch kind {
        case .number: access
        case .bool: "\(access) != 0"
        case .string: "CField.string(\(access))"
        case .bytes: "CField.bytes(\(access))"
        case .enumeration:
            "\(scope(message).type(kind))(rawValue: Int32(truncatingIfNeeded: \(access).rawValue))"
        case .message: "CField.message(\(access))"
        }
    }

    /// The same where something must be there.
    private func present(_ kind: ValueKind, _ access: String, _ message: Descriptor) -> String {
        let value = reading(kind, access, message)
        guard case .message = kind else { return value }
        return "\(value) ?? \(scope(message).type(kind))()"
    }

    private func scope(_ message: Descriptor) -> TypeScope {
        TypeScope(message, module: options.module)
    }

    // MARK: - Writing

    private func write(_ member: Member, _ output: inout SourceText) {
        let name = "self." + member.name
        switch member {
        case .single(let field, let kind):
            output.line("unsafe c.pointee.\(access(field)) = \(writing(kind, name))")
        case .repeated(let field, let kind):
            let function = listFunction(kind)
            output.line("unsafe c.pointee.n_\(CNames.field(field)) = \(name).count")
            output.line("unsafe c.pointee.\(access(field)) = arena.\(function)(\(name))")
        case .map(let field, let key, let value):
            writeMap(name, field, key, value, &output)
        case .oneof(let oneof):
            writeChoice(name, oneof, &output)
        }
    }

    private func writeMap(
        _ name: String, _ field: FieldDescriptor, _ key: FieldDescriptor,
        _ value: FieldDescriptor, _ output: inout SourceText
    ) {
        let entry: Descriptor = field.messageType
        output.line("unsafe c.pointee.n_\(CNames.field(field)) = \(name).count")
        output.block("unsafe c.pointee.\(access(field)) = arena.map(\(name))") { output in
            output.line("(e: UnsafeMutablePointer<\(CNames.type(entry.fullName))>, key, value) in")
            output.line("unsafe \(CNames.initialize(entry))(e)")
            output.line("unsafe e.pointee.key = \(writing(ValueKind(key), "key"))")
            output.line("unsafe e.pointee.value = \(writing(ValueKind(value), "value"))")
        }
    }

    private func writeChoice(
        _ name: String, _ oneof: OneofDescriptor, _ output: inout SourceText
    ) {
        output.block("switch \(name)") { output in
            output.line("case nil: break")
            for field in oneof.fields {
                output.line("case .\(Names.property(field))(let value)?:")
                output.line(
                    "    unsafe c.pointee.\(CNames.caseField(oneof)) = .init(rawValue: \(field.number))"
                )
                output.line(
                    "    unsafe c.pointee.\(access(field)) = \(writing(ValueKind(field), "value"))")
            }
        }
    }

    private func writing(_ kind: ValueKind, _ value: String) -> String {
        switch kind {
        case .number: value
        case .bool: "\(value) ? 1 : 0"
        case .string: "arena.string(\(value))"
        case .bytes: "arena.bytes(\(value))"
        case .enumeration(let type):
            "\(CNames.type(type.fullName))(rawValue: .init(truncatingIfNeeded: \(value).rawValue))"
        case .message: "arena.message(\(value))"
        }
    }

    private func listFunction(_ kind: ValueKind) -> String {
        switch kind {
        case .number: "scalars"
        case .bool: "bools"
        case .string: "strings"
        case .bytes: "byteStrings"
        case .enumeration: "enums"
        case .message: "messages"
        }
    }

    /// A member of a C struct as Swift sees it.
    private func access(_ field: FieldDescriptor) -> String {
        let name = CNames.field(field)
        return ["init", "self", "Type", "Protocol"].contains(name) ? "`\(name)`" : name
    }
}
