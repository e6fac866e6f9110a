import Foundation
import JSON
import Messages

/// Reads what a person gave as a payload: the text itself, `@FILE`, or `-` for standard input.
enum InputText {
    static func bytes(_ argument: String) throws -> [UInt8] {
        if argument == "-" {
            return Array(FileHandle.standardInput.readDataToEndOfFile())
        }
        guard argument.hasPrefix("@") else { return Array(argument.utf8) }
        let path = String(argument.dropFirst())
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failed("the input file \(path) cannot be read", exitCode: EX_NOINPUT)
        }
        return Array(data)
    }

    /// For values that need not be JSON.
    ///
    /// - Parameter type: the media type; empty: JSON when it is, plain text when it is UTF-8, else
    ///   bytes.
    static func payload(_ argument: String, type: String = "") throws -> Payload {
        let bytes = try bytes(argument)
        return Payload(data: bytes, contentType: type.isEmpty ? Self.type(of: bytes) : type)
    }

    private static func type(of bytes: [UInt8]) -> String {
        if (try? JSONDocument(parsing: bytes)) != nil { return "" }
        let isText = String(validating: bytes, as: UTF8.self) != nil
        return isText ? "text/plain" : "application/octet-stream"
    }
}
