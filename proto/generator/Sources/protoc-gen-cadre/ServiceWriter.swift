import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// Writes the stubs of one service: descriptor, handler protocol, typed client.
struct ServiceWriter {
    let options: Options

    func text(for service: ServiceDescriptor) -> String {
        var output = SourceText(header: service.file.name)
        output.line()
        output.line("import GRPC")
        output.line("import Messages")
        if options.importsMessages { output.line("import Stubs") }
        output.line()
        scoped(service, &output) { descriptor(service, &$0) }
        output.line()
        scoped(service, &output) { handler(service, &$0) }
        output.line()
        defaults(service, &output)
        output.line()
        scoped(service, &output) { client(service, &$0) }
        return output.text
    }

    private func scoped(
        _ service: ServiceDescriptor, _ output: inout SourceText,
        _ body: (inout SourceText) -> Void
    ) {
        if let namespace = Names.namespace(of: service.file) {
            output.block("extension \(namespace)", body)
        } else {
            body(&output)
        }
    }

    // MARK: - Descriptor

    private func descriptor(_ service: ServiceDescriptor, _ output: inout SourceText) {
        output.line("/// The methods of `\(service.fullName)`.")
        output.block("public enum \(service.name)Descriptor") { output in
            output.line("/// The service's full name, the first half of every path.")
            output.line("public static let name = \"\(service.fullName)\"")
            for method in service.methods {
                output.line()
                output.line("public static let \(Names.method(method)) = MethodDescriptor(")
                output.line(
                    "    service: name, name: \"\(method.name)\", kind: .\(kind(method).rawValue))")
            }
            output.line()
            output.line("/// The service and its methods, in the order of the proto.")
            output.line("public static let service = ServiceDescriptor(")
            output.line("    name: name,")
            output.line(
                "    methods: [" + service.methods.map(Names.method).joined(separator: ", ") + "])")
        }
    }

    private enum Kind: String {
        case unary, serverStreaming, clientStreaming, bidirectional
    }

    private func kind(_ method: MethodDescriptor) -> Kind {
        switch (method.clientStreaming, method.serverStreaming) {
        case (false, false): .unary
        case (false, true): .serverStreaming
        case (true, false): .clientStreaming
        case (true, true): .bidirectional
        }
    }

    // MARK: - Handler

    private func handler(_ service: ServiceDescriptor, _ output: inout SourceText) {
        let comment = service.protoSourceComments()
        output.lines(comment.isEmpty ? "/// Serves `\(service.fullName)`.\n" : comment)
        output.line("///")
        output.line(
            "/// Called on the socket loop of the call, so a method must not block. A method")
        output.line("/// that is not implemented answers UNIMPLEMENTED.")
        output.block("public protocol \(service.name)Handler: Sendable") { output in
            for (index, method) in service.methods.enumerated() {
                if index > 0 { output.line() }
                output.lines(method.protoSourceComments())
                output.line(signature(method))
            }
        }
    }

    private func defaults(_ service: ServiceDescriptor, _ output: inout SourceText) {
        let name = Names.qualified("\(service.name)Handler", in: service.file)
        let descriptor = Names.qualified("\(service.name)Descriptor", in: service.file)
        output.block("extension \(name)") { output in
            for method in service.methods {
                output.block("public " + signature(method)) { output in
                    output.line("call.fail(.unimplemented(\(descriptor).\(Names.method(method))))")
                }
                output.line()
            }
            output.line("/// What a server needs to route calls here.")
            output.block("public var registration: ServiceRegistration") { output in
                output.line("registration(as: \(descriptor).name)")
            }
            output.line()
            registration(service, descriptor, &output)
        }
    }

    private func registration(
        _ service: ServiceDescriptor, _ descriptor: String, _ output: inout SourceText
    ) {
        output.line("/// The same under another service name, for an interface that has two.")
        let head = "public func registration(as serviceName: String) -> ServiceRegistration"
        output.block(head) { output in
            output.line("ServiceRegistration(")
            output.line("    descriptor: \(descriptor).service.named(serviceName),")
            output.line("    methods: [")
            for method in service.methods {
                output.line(
                    "        .\(kind(method).rawValue)(\(descriptor).\(Names.method(method)).moved(to: serviceName)) {"
                )
                output.line("            self.\(Names.method(method))(\(forwarded(method)))")
                output.line("        },")
            }
            output.line("    ])")
        }
    }

    private func forwarded(_ method: MethodDescriptor) -> String {
        method.clientStreaming ? "$0" : "$0, $1"
    }

    private func signature(_ method: MethodDescriptor) -> String {
        let (input, output) = types(method)
        let name = Names.method(method)
        return switch kind(method) {
        case .unary: "func \(name)(_ request: \(input), _ call: UnaryCall<\(output)>)"
        case .serverStreaming:
            "func \(name)(_ request: \(input), _ call: ServerStreamCall<\(output)>)"
        case .clientStreaming, .bidirectional:
            "func \(name)(_ call: BidirectionalCall<\(input), \(output)>)"
        }
    }

    private func types(_ method: MethodDescriptor) -> (input: String, output: String) {
        (Names.full(method.inputType), Names.full(method.outputType))
    }

    // MARK: - Client

    private func client(_ service: ServiceDescriptor, _ output: inout SourceText) {
        output.line("/// Calls `\(service.fullName)`. Safe to use from any task.")
        output.block("public struct \(service.name)Client: Sendable") { output in
            output.line("/// The connection, which may serve other services too.")
            output.line("public let client: GRPCClient")
            output.line()
            output.block("public init(client: GRPCClient)") { output in
                output.line("self.client = client")
            }
            for method in service.methods {
                output.line()
                call(method, service, &output)
            }
        }
    }

    private func call(
        _ method: MethodDescriptor, _ service: ServiceDescriptor, _ output: inout SourceText
    ) {
        let (input, answer) = types(method)
        let name = Names.method(method)
        let options = "options: CallOptions = CallOptions()"
        let target = "\(service.name)Descriptor.\(name)"
        output.lines(method.protoSourceComments())
        switch kind(method) {
        case .unary:
            output.line("public func \(name)(")
            output.line("    _ request: \(input), \(options)")
            output.block(") async throws(GRPCStatus) -> \(answer)") { output in
                output.line("try await client.unary(\(target), request, options)")
            }
        case .serverStreaming:
            output.line("public func \(name)(")
            output.line("    _ request: \(input), \(options)")
            output.block(") async throws(GRPCStatus) -> MessageStream<\(answer)>") { output in
                output.line("try await client.serverStream(\(target), request, options)")
            }
        case .clientStreaming, .bidirectional:
            output.line("public func \(name)(")
            output.line("    \(options)")
            output.block(
                ") async throws(GRPCStatus) -> DuplexStream<\(input), \(answer)>"
            ) { output in
                output.line("try await client.duplexStream(\(target), options)")
            }
        }
    }
}
