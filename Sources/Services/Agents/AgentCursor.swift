import Coordination

/// The last instance of a page. Written as the length of its type, a colon, its type and its id.
struct AgentCursor: Hashable {
    let type: String
    let id: String

    /// The cursor behind an instance.
    init(type: String, id: String) {
        self.type = type
        self.id = id
    }

    /// Reads what ``token`` gave; `nil` for anything else.
    init?(token: String) {
        let bytes = Array(token.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let count = Int(String(decoding: bytes[..<colon], as: UTF8.self)),
            (0..<bytes.count - colon).contains(count)
        else { return nil }
        let rest = bytes[(colon + 1)...]
        type = String(decoding: rest.prefix(count), as: UTF8.self)
        id = String(decoding: rest.dropFirst(count), as: UTF8.self)
        if self.token != token { return nil }
    }

    /// The cursor as text.
    var token: String { "\(type.utf8.count):\(type)\(id)" }

    /// Whether an instance belongs to a later page.
    func isBefore(_ other: AgentRegistration) -> Bool {
        (type, id) < (other.type, other.id.name)
    }
}
