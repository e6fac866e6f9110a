/// The kind of project behind a coin.
///
/// The exchange's own zone tags decide first, then whole words of the name. Looking for parts of
/// words, as is often done, finds "ai" in "chain" and "cat" in "location".
enum Sector: String, Sendable, Hashable, Codable, CaseIterable {
    case defi = "DeFi"
    case ai = "AI"
    case gameFi = "GameFi"
    case infrastructure = "Infrastructure"
    case meme = "Meme"
    case other = "Other"

    /// How well such launches are received, 60 to 90.
    var score: Int {
        switch self {
        case .defi: 85
        case .ai: 90
        case .gameFi: 80
        case .infrastructure: 75
        case .meme: 70
        case .other: 60
        }
    }

    /// The sector of an entry; ``other`` when neither zones nor name tell.
    init(_ record: SymbolRecord) {
        let zoneWords = (record.zones ?? []).map { zone in
            String(zone.lowercased().split(separator: "-").last ?? "")
        }
        self =
            Sector.first(in: Set(zoneWords)) ?? Sector.first(in: words(of: record.name ?? ""))
            ?? .other
    }

    private var keywords: Set<String> {
        switch self {
        case .defi: ["defi", "swap", "yield", "farm"]
        case .ai: ["ai", "artificial", "machine", "gpt"]
        case .gameFi: ["gamefi", "game", "metaverse", "play"]
        case .infrastructure: ["layer", "layer2", "chain", "network", "protocol"]
        case .meme: ["meme", "dog", "cat", "pepe"]
        case .other: []
        }
    }

    private static func first(in words: Set<String>) -> Sector? {
        allCases.first { !$0.keywords.isDisjoint(with: words) }
    }
}

/// The lower-case words of a name: runs of letters and digits, and the parts of such a run where
/// a small letter or digit is followed by a capital, so that `MemeCore` is also `meme` and `core`.
func words(of name: String) -> Set<String> {
    var found: Set<String> = []
    for run in name.split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
        found.insert(run.lowercased())
        var part = ""
        for character in run {
            if character.isUppercase, let last = part.last, !last.isUppercase {
                found.insert(part.lowercased())
                part = ""
            }
            part.append(character)
        }
        found.insert(part.lowercased())
    }
    return found
}
