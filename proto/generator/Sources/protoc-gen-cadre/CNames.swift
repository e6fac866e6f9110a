import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// How `protoc-gen-c` names what it writes (protobuf-c, `protoc-c/c_helpers.cc`).
enum CNames {
    /// `cadre.v1.InvokeRequest` -> `Cadre__V1__InvokeRequest`.
    static func type(_ fullName: String) -> String {
        fullName.split(separator: ".").map { camel(String($0)) }.joined(separator: "__")
    }

    /// `cadre.v1.InvokeRequest` -> `cadre__v1__invoke_request__init`.
    static func initialize(_ message: Descriptor) -> String {
        message.fullName.split(separator: ".").map { lower(String($0)) }.joined(separator: "__")
            + "__init"
    }

    static func field(_ field: FieldDescriptor) -> String {
        let name = field.name.lowercased()
        return keywords.contains(name) ? name + "_" : name
    }

    /// The member that says which case of a oneof is there.
    static func caseField(_ oneof: OneofDescriptor) -> String {
        lower(oneof.name) + "_case"
    }

    private static func camel(_ name: String) -> String {
        name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private static func lower(_ name: String) -> String {
        var result = ""
        var wasUpper = true
        for character in name {
            if character.isUppercase, !wasUpper { result += "_" }
            result += character.lowercased()
            wasUpper = character.isUppercase
        }
        return result
    }

    private static let keywords: Set<String> = [
        "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch",
        "char", "class", "compl", "const", "const_cast", "continue", "default", "delete", "do",
        "double", "dynamic_cast", "else", "enum", "explicit", "extern", "false", "float", "for",
        "friend", "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "not",
        "not_eq", "operator", "or", "or_eq", "private", "protected", "public", "register",
        "reinterpret_cast", "return", "short", "signed", "sizeof", "static", "static_cast",
        "struct", "switch", "template", "this", "throw", "true", "try", "typedef", "typeid",
        "typename", "union", "unsigned", "using", "virtual", "void", "volatile", "wchar_t",
        "while", "xor", "xor_eq",
    ]
}
