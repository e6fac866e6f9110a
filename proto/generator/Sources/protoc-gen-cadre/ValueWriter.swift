import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// Writes the Swift values of one proto file.
struct ValueWriter {
    let options: Options

    func text(for file: FileDescriptor) -> String {
        var output = SourceText(header: file.name)
        if options.importsMessages {
            output.line()
            output.line("import Messages")
        }
        for type in file.enums {
            topLevel(file, &output) { enumeration(type, &$0) }
        }
        for message in file.messages {
            topLevel(file, &output) { structure(message, &$0) }
        }
        return output.text
    }

    private func topLevel(
        _ file: FileDescriptor, _ output: inout SourceText, _ body: (inout SourceText) -> Void
    ) {
        output.line()
        if let namespace = Names.namespace(of: file) {
            output.block("extension \(namespace)", body)
        } else {
            body(&output)
        }
    }

    // MARK: - Messages

    private func structure(_ message: Descriptor, _ output: inout SourceText) {
        let scope = TypeScope(message, module: options.module)
        let members = Member.all(of: message)
        comment(message, "`\(message.fullName)`.", &output)
        output.block("public struct \(Names.simple(message)): Sendable, Hashable") { output in
            for member in members {
                property(member, scope, &output)
            }
            for oneof in message.realOneofs {
                output.line()
                choice(oneof, scope, &output)
            }
            for type in message.enums {
                output.line()
                enumeration(type, &output)
            }
            for nested in message.messages where !nested.options.mapEntry {
                output.line()
                structure(nested, &output)
            }
            initializers(members, scope, &output)
        }
    }

    private func property(_ member: Member, _ scope: TypeScope, _ output: inout SourceText) {
        var attribute = ""
        switch member {
        case .single(let field, _):
            attribute = Recursion.needsIndirection(field) ? "@Indirect " : ""
            comment(field, "", &output)
        case .repeated(let field, _), .map(let field, _, _): comment(field, "", &output)
        case .oneof(let oneof): comment(oneof, "", &output)
        }
        let type = scope.type(member)
        output.line("\(attribute)public var \(member.name): \(type) = \(member.defaultValue)")
    }

    private func initializers(
        _ members: [Member], _ scope: TypeScope, _ output: inout SourceText
    ) {
        if !members.isEmpty { output.line() }
        output.line("/// Every field at its default.")
        output.line("public init() {}")
        guard !members.isEmpty else { return }
        output.line()
        output.line("/// The given fields, the others at their defaults.")
        output.line("public init(")
        for (index, member) in members.enumerated() {
            let comma = index + 1 < members.count ? "," : ""
            output.line(
                "    \(member.name): \(scope.type(member)) = \(member.defaultValue)\(comma)")
        }
        output.block(")") { output in
            for member in members {
                output.line("self.\(member.name) = \(member.name)")
            }
        }
    }

    private func choice(
        _ oneof: OneofDescriptor, _ scope: TypeScope, _ output: inout SourceText
    ) {
        comment(oneof, "At most one of these.", &output)
        let indirect = oneof.fields.contains(where: Recursion.needsIndirection) ? "indirect " : ""
        output.block("\(indirect)public enum \(Names.simple(oneof)): Sendable, Hashable") {
            output in
            for field in oneof.fields {
                comment(field, "", &output)
                output.line("case \(Names.property(field))(\(scope.type(ValueKind(field))))")
            }
        }
    }

    // MARK: - Enums

    private func enumeration(_ type: EnumDescriptor, _ output: inout SourceText) {
        let values = distinct(type.values)
        let name = Names.simple(type)
        comment(type, "`\(type.fullName)`.", &output)
        output.block("public enum \(name): WireEnum") { output in
            for value in values {
                comment(value, "", &output)
                output.line("case \(Names.enumCase(value))")
            }
            output.line("/// A number this version does not know.")
            output.line("case unrecognized(Int32)")
            output.line()
            output.line("public static var allCases: [\(name)] {")
            output.line(
                "    [" + values.map { "." + Names.enumCase($0) }.joined(separator: ", ") + "]")
            output.line("}")
            output.line()
            numbers(values, &output)
        }
    }

    /// Without aliases: the first name of each number.
    private func distinct(_ values: [EnumValueDescriptor]) -> [EnumValueDescriptor] {
        var numbers: Set<Int32> = []
        return values.filter { numbers.insert($0.number).inserted }
    }

    private func numbers(_ values: [EnumValueDescriptor], _ output: inout SourceText) {
        output.block("public init(rawValue: Int32)") { output in
            output.block("switch rawValue") { output in
                for value in values {
                    output.line("case \(value.number): self = .\(Names.enumCase(value))")
                }
                output.line("default: self = .unrecognized(rawValue)")
            }
        }
        output.line()
        output.block("public var rawValue: Int32") { output in
            output.block("switch self") { output in
                for value in values {
                    output.line("case .\(Names.enumCase(value)): \(value.number)")
                }
                output.line("case .unrecognized(let number): number")
            }
        }
        output.line()
        output.block("public var protoName: String?") { output in
            output.block("switch self") { output in
                for value in values {
                    output.line("case .\(Names.enumCase(value)): \"\(value.name)\"")
                }
                output.line("case .unrecognized: nil")
            }
        }
    }

    private func comment(
        _ source: some ProvidesSourceCodeLocation, _ fallback: String,
        _ output: inout SourceText
    ) {
        let comment = source.protoSourceComments()
        if !comment.isEmpty {
            output.lines(comment)
        } else if !fallback.isEmpty {
            output.line("/// " + fallback)
        }
    }
}

/// Writes the caseless enums around the types of other packages.
enum NamespaceWriter {
    static func text(_ namespaces: [String]) -> String {
        var output = SourceText(header: "the packages")
        for namespace in namespaces {
            output.line()
            output.line("/// Types of the proto package of this name.")
            output.line("public enum \(namespace) {}")
        }
        return output.text
    }
}
