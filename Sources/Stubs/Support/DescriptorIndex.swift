/// The protos of a server, indexed the way reflection asks for them.
///
/// Built once from a serialized `google.protobuf.FileDescriptorSet`; immutable then.
public struct DescriptorIndex: Sendable {
    /// One proto file.
    public struct File: Sendable {
        /// Its name, such as `cadre/v1/agent_service.proto`.
        public let name: String
        /// The files it imports.
        public let dependencies: [String]
        /// The serialized `google.protobuf.FileDescriptorProto`.
        public let bytes: [UInt8]
    }

    /// Full names of all services, in the order of the files.
    public let services: [String]

    private let files: [String: File]
    private let fileBySymbol: [String: String]
    private let messages: Set<String>

    /// Indexes a descriptor set.
    ///
    /// - Throws: ``DescriptorError`` when the bytes are not one.
    public init(fileDescriptorSet bytes: [UInt8]) throws(DescriptorError) {
        var files: [String: File] = [:]
        var symbols = SymbolCollector()
        for field in try DescriptorReader(bytes[...]).fields() where field.number == 1 {
            let file = try Self.file(field.bytes)
            files[file.name] = file
            try symbols.collect(field.bytes, file.name)
        }
        self.files = files
        services = symbols.services
        fileBySymbol = symbols.fileBySymbol
        messages = symbols.messages
    }

    private static func file(_ bytes: ArraySlice<UInt8>) throws(DescriptorError) -> File {
        var name = ""
        var dependencies: [String] = []
        for field in try DescriptorReader(bytes).fields() {
            switch field.number {
            case 1: name = field.text
            case 3: dependencies.append(field.text)
            default: break
            }
        }
        return File(name: name, dependencies: dependencies, bytes: [UInt8](bytes))
    }

    /// The file of this name.
    public func file(named name: String) -> File? {
        files[name]
    }

    /// The file that declares a symbol: the full name of a service, method, message, field,
    /// oneof, enum or enum value.
    public func file(containing symbol: String) -> File? {
        fileBySymbol[symbol].flatMap { files[$0] }
    }

    /// Whether a message of this full name is declared. (None has extensions: they are proto2.)
    public func declaresMessage(_ name: String) -> Bool {
        messages.contains(name)
    }

    /// A file and all it needs, each once, the file itself first.
    public func withDependencies(_ file: File) -> [File] {
        var result = [file]
        var seen: Set<String> = [file.name]
        var next = 0
        while next < result.count {
            for name in result[next].dependencies where seen.insert(name).inserted {
                if let dependency = files[name] { result.append(dependency) }
            }
            next += 1
        }
        return result
    }
}

/// The bytes given are not a descriptor set.
public struct DescriptorError: Error, Sendable, Hashable {
    /// What is wrong with them.
    public let message: String
}

/// Gathers the names a proto file declares (google/protobuf/descriptor.proto).
private struct SymbolCollector {
    var services: [String] = []
    var fileBySymbol: [String: String] = [:]
    var messages: Set<String> = []

    mutating func collect(_ bytes: ArraySlice<UInt8>, _ file: String) throws(DescriptorError) {
        let fields = try DescriptorReader(bytes).fields()
        let package = text(2, of: fields)
        for field in fields {
            switch field.number {
            case 4: try message(field.bytes, package, file)
            case 5: try enumeration(field.bytes, package, file)
            case 6: try service(field.bytes, package, file)
            default: break
            }
        }
    }

    private mutating func message(
        _ bytes: ArraySlice<UInt8>, _ scope: String, _ file: String
    ) throws(DescriptorError) {
        let (name, fields) = try named(bytes, scope)
        fileBySymbol[name] = file
        messages.insert(name)
        for field in fields {
            switch field.number {
            case 2, 8: fileBySymbol[try named(field.bytes, name).name] = file
            case 3: try message(field.bytes, name, file)
            case 4: try enumeration(field.bytes, name, file)
            default: break
            }
        }
    }

    /// The values of an enum are named beside it, not inside it.
    private mutating func enumeration(
        _ bytes: ArraySlice<UInt8>, _ scope: String, _ file: String
    ) throws(DescriptorError) {
        let (name, fields) = try named(bytes, scope)
        fileBySymbol[name] = file
        for field in fields where field.number == 2 {
            fileBySymbol[try named(field.bytes, scope).name] = file
        }
    }

    private mutating func service(
        _ bytes: ArraySlice<UInt8>, _ scope: String, _ file: String
    ) throws(DescriptorError) {
        let (name, fields) = try named(bytes, scope)
        fileBySymbol[name] = file
        services.append(name)
        for field in fields where field.number == 2 {
            fileBySymbol[try named(field.bytes, name).name] = file
        }
    }

    /// Every descriptor has its name in field 1.
    private func named(
        _ bytes: ArraySlice<UInt8>, _ scope: String
    ) throws(DescriptorError) -> (name: String, fields: [DescriptorReader.Field]) {
        let fields = try DescriptorReader(bytes).fields()
        let name = text(1, of: fields)
        return (scope.isEmpty ? name : scope + "." + name, fields)
    }
    private func text(_ number: UInt64, of fields: [DescriptorReader.Field]) -> String {
        fields.first(where: { $0.number == number }).map(\.text) ?? ""
    }
}
