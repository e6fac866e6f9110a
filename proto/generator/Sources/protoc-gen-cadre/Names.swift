import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// How proto names become Swift names.
///
/// Types of `cadre.v1` are top level; those of other packages sit in a caseless enum named for
/// the package, such as `GrpcHealthV1.HealthCheckRequest`.
enum Names {
    private static let ownPackage = "cadre.v1"

    /// The enum around a package's types; nil for Cadre's own.
    static func namespace(of file: FileDescriptor) -> String? {
        file.package == ownPackage ? nil : packagePrefix(of: file)
    }

    /// `grpc.health.v1` -> `GrpcHealthV1`; empty for Cadre's own package.
    static func packagePrefix(of file: FileDescriptor) -> String {
        file.package == ownPackage ? "" : pascal(package: file)
    }

    private static func pascal(package file: FileDescriptor) -> String {
        file.package.split(separator: ".").map { pascal(String($0)) }.joined()
    }

    /// The Swift file of a proto file, without extension; unlike any other's in the module.
    static func fileBase(of file: FileDescriptor) -> String {
        let name = file.name.split(separator: "/").last.map(String.init) ?? file.name
        let stem = name.hasSuffix(".proto") ? String(name.dropLast(6)) : name
        return pascal(package: file) + pascal(stem)
    }

    /// The name of a message in its scope.
    static func simple(_ message: Descriptor) -> String { typeName(message.name, "Message") }

    /// The name of an enum in its scope.
    static func simple(_ type: EnumDescriptor) -> String { typeName(type.name, "Enum") }

    private static func typeName(_ name: String, _ suffix: String) -> String {
        reservedTypeNames.contains(name) ? name + suffix : name
    }

    /// From the top level of the module.
    static func full(_ message: Descriptor) -> String {
        if let outer = message.containingType { return full(outer) + "." + simple(message) }
        return qualified(simple(message), in: message.file)
    }

    static func full(_ type: EnumDescriptor) -> String {
        if let outer = type.containingType { return full(outer) + "." + simple(type) }
        return qualified(simple(type), in: type.file)
    }

    static func qualified(_ name: String, in file: FileDescriptor) -> String {
        namespace(of: file).map { $0 + "." + name } ?? name
    }

    /// The enum of a oneof, nested in its message.
    static func simple(_ oneof: OneofDescriptor) -> String {
        let name = pascal(oneof.name)
        let message: Descriptor = oneof.containingType
        let taken = message.messages.map(\.name) + message.enums.map(\.name)
        return taken.contains(name) || reservedTypeNames.contains(name) ? "OneOf" + name : name
    }

    static func property(_ field: FieldDescriptor) -> String { quoted(camel(field.name)) }

    static func property(_ oneof: OneofDescriptor) -> String { quoted(camel(oneof.name)) }

    /// `RUN_STATUS_TIMED_OUT` of `RunStatus` -> `timedOut`.
    static func enumCase(_ value: EnumValueDescriptor) -> String {
        let prefix = upperSnake(value.enumType.name) + "_"
        var name = value.name
        if name.hasPrefix(prefix), let next = name.dropFirst(prefix.count).first, !next.isNumber {
            name = String(name.dropFirst(prefix.count))
        }
        let cased = camel(name.lowercased())
        return cased == "unrecognized" ? "unrecognizedValue" : quoted(cased)
    }

    /// `CheckHealth` -> `checkHealth`.
    static func method(_ method: MethodDescriptor) -> String {
        quoted(method.name.prefix(1).lowercased() + method.name.dropFirst())
    }

    // MARK: - Cases

    /// Words that keep their capitals, by Swift's API design guidelines.
    private static let initialisms: [String: String] = [
        "id": "ID", "ids": "IDs", "url": "URL", "uri": "URI", "http": "HTTP", "json": "JSON",
        "ttl": "TTL", "tls": "TLS", "rpc": "RPC",
    ]

    static func camel(_ snake: String) -> String {
        let words = snake.split(separator: "_").map(String.init)
        guard let first = words.first else { return snake }
        let rest = words.dropFirst().map { initialisms[$0] ?? pascal($0) }
        let head =
            first.contains(where: \.isLowercase)
            ? first.prefix(1).lowercased() + first.dropFirst() : first.lowercased()
        return head + rest.joined()
    }

    static func pascal(_ snake: String) -> String {
        snake.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private static func upperSnake(_ pascal: String) -> String {
        var result = ""
        var previous: Character?
        for character in pascal {
            if character.isUppercase, previous?.isUppercase == false { result += "_" }
            result += character.uppercased()
            previous = character
        }
        return result
    }

    /// In backticks where that is enough; `x.self` and `x.init` mean something else even so.
    private static func quoted(_ name: String) -> String {
        switch name {
        case "self", "init": name + "Value"
        case _ where keywords.contains(name): "`\(name)`"
        default: name
        }
    }

    private static let reservedTypeNames: Set<String> = [
        "Any", "Type", "Protocol", "Self", "Array", "Bool", "Double", "Float", "Int32", "Int64",
        "Never", "Optional", "String", "UInt32", "UInt64",
    ]

    private static let keywords: Set<String> = [
        "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer",
        "deinit", "do", "else", "enum", "extension", "fallthrough", "false", "fileprivate", "for",
        "func", "guard", "if", "import", "in", "init", "inout", "internal", "is", "let", "nil",
        "operator", "precedencegroup", "private", "protocol", "public", "repeat", "rethrows",
        "return", "self", "static", "struct", "subscript", "super", "switch", "throw", "throws",
        "true", "try", "typealias", "var", "where", "while",
    ]
}
