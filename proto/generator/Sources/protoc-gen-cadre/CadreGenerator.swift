import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// `protoc-gen-cadre`: writes Swift values, protobuf-c codecs, and gRPC stubs for proto3 files.
///
/// It writes what stands beside the output of `protoc-gen-c` for the same files. Per proto file:
/// the values, their codecs in a file of their own (the only one with `unsafe` in it), and per
/// service a file of stubs. Output depends on the files and the options only.
@main
struct CadreGenerator: CodeGenerator {
    /// Not `.proto3Optional`: protobuf-c has no such thing, and protoc then refuses it for us.
    var supportedFeatures: [Google_Protobuf_Compiler_CodeGeneratorResponse.Feature] { [] }

    var version: String? { "1" }

    func generate(
        files: [FileDescriptor],
        parameter: any CodeGeneratorParameter,
        protoCompilerContext: any ProtoCompilerContext,
        generatorOutputs: any GeneratorOutputs
    ) throws {
        let options = try Options(parameter.parsedPairs)
        for file in files {
            guard file.edition == .proto3 else {
                throw GeneratorError("\(file.name): only proto3 is supported")
            }
            try generate(file, options, generatorOutputs)
        }
        let namespaces = Set(files.compactMap { Names.namespace(of: $0) }).sorted()
        if !namespaces.isEmpty {
            try generatorOutputs.add(
                fileName: "\(options.messages)/Namespaces.swift",
                contents: NamespaceWriter.text(namespaces))
        }
    }

    private func generate(
        _ file: FileDescriptor, _ options: Options, _ outputs: any GeneratorOutputs
    ) throws {
        let base = Names.fileBase(of: file)
        if !file.messages.isEmpty || !file.enums.isEmpty {
            try outputs.add(
                fileName: "\(options.messages)/\(base).swift",
                contents: ValueWriter(options: options).text(for: file))
        }
        if !file.messages.isEmpty {
            try outputs.add(
                fileName: "\(options.messages)/\(base)+Protobuf.swift",
                contents: CodecWriter(options: options).text(for: file))
        }
        for service in file.services {
            let name = Names.packagePrefix(of: file) + service.name
            try outputs.add(
                fileName: "\(options.stubs)/\(name)+Stubs.swift",
                contents: ServiceWriter(options: options).text(for: service))
        }
    }
}

/// The plugin's options, given as `--cadre_opt=key=value`.
struct Options {
    /// Folder of values and codecs, below the output folder.
    var messages = "Messages"
    /// Folder of the stubs.
    var stubs = "Stubs"
    /// The Swift module the values are compiled in.
    var module = "Messages"
    /// The C module with the output of `protoc-gen-c`.
    var cModule = "CCadreProto"

    init(_ pairs: [(key: String, value: String)]) throws {
        for (key, value) in pairs {
            switch key {
            case "messages": messages = value
            case "stubs": stubs = value
            case "module": module = value
            case "c_module": cModule = value
            default: throw GeneratorError("unknown option \(key)")
            }
        }
    }

    /// Whether the values live outside the room that defines what they conform to.
    var importsMessages: Bool { module != "Messages" }
}

struct GeneratorError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
