import GRPC
import Stubs

/// The metadata that a client asks to be given back: one entry in the headers, one in the trailers
/// (case `custom_metadata`).
struct MetadataEcho {
    static let initialName = "x-grpc-test-echo-initial"
    static let trailingName = "x-grpc-test-echo-trailing-bin"

    /// For the response's headers.
    let headers: Metadata
    /// For the response's trailers.
    let trailers: Metadata

    init(of request: Metadata) {
        var headers = Metadata()
        var trailers = Metadata()
        if let value = request.first(Self.initialName) { headers.add(Self.initialName, value) }
        if let value = request.firstBytes(Self.trailingName) {
            trailers.add(Self.trailingName, bytes: value)
        }
        self.headers = headers
        self.trailers = trailers
    }

    /// Sends the headers now if there is anything to echo in them.
    func sendHeaders(on call: some TypedServerCall) {
        if !headers.isEmpty { call.sendInitialMetadata(headers) }
    }
}
