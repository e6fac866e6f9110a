/// What went wrong on the way to an exchange and back, in a sentence.
///
/// The errors of the network, TLS and decompression are made for their own authors: some say only
/// `limit`, some dump TLS's error queue. They are told apart by their text and the name of their
/// type, since most of those types are out of reach here; what is not known is said as it is.
enum TransportFault {
    /// The sentence's end, after "could not be asked: ".
    static func sentence(_ error: any Error) -> String {
        let text = "\(error)"
        if let known = known.first(where: { text.contains($0.mark) }) { return known.sentence }
        let type = String(reflecting: Swift.type(of: error))
        if type.contains("ompression") {
            return "its compressed answer cannot be unpacked, or is far larger than it came"
        }
        if type.contains("HTTPParserError") { return "what answers there does not speak HTTP" }
        return String(text.prefix(300))
    }

    private static let known: [(mark: String, sentence: String)] = [
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted by this machine"),
        ("WRONG_VERSION_NUMBER", "what answers there does not speak TLS; is the address http:// ?"),
        ("HTTP_REQUEST", "what answers there does not speak TLS; is the address http:// ?"),
        ("hostname", "its certificate is for another name"),
    ]
}
