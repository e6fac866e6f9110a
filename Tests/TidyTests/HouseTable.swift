/// One line of the house's import table.
struct RoomRule: Sendable {
    let name: String
    /// Rooms and C doors of ours that it may import.
    let rooms: Set<String>
    /// Packages and system modules that it may import.
    let modules: Set<String>
    /// Whether one of its files may contain the word `unsafe`.
    let mayBeUnsafe: @Sendable (String) -> Bool

    init(
        _ name: String, rooms: Set<String> = [], modules: Set<String> = [],
        mayBeUnsafe: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        self.name = name
        self.rooms = rooms
        self.modules = modules
        self.mayBeUnsafe = mayBeUnsafe
    }
}

/// Beyond Threads and Store, only for the names of the system's error numbers.
private let platform: Set = ["Darwin", "Glibc", "Musl"]
private let nio: Set = ["NIOConcurrencyHelpers", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL"]
private let collections: Set = ["Collections", "DequeModule", "HeapModule", "OrderedCollections"]

/// Who may import what, and where pointers may be touched. In the order of the floors: a room
/// may only import rooms that stand before it, so arrows point down.
let houseTable: [RoomRule] = [
    // Floor 0
    RoomRule("Threads", modules: platform.union(["Synchronization"])) { _ in true },
    RoomRule("JSON"),
    RoomRule("Telemetry", rooms: ["Threads"], modules: ["CoreMetrics", "Synchronization"]),
    // Floor 1
    RoomRule("Coordination", rooms: ["JSON"], modules: collections),
    RoomRule("Cache", rooms: ["Threads"], modules: ["Synchronization"]),
    RoomRule("HTTP2", rooms: ["CNghttp2"]) { $0.hasPrefix("HTTP2Session") },
    RoomRule("Messages", rooms: ["CCadreProto", "CProtobufC"]) {
        $0.hasSuffix("+Protobuf.swift") || $0 == "Arena.swift"
    },
    // Floor 2
    RoomRule(
        "GRPC", rooms: ["HTTP2", "Telemetry"],
        modules: nio.union(platform).union(["Logging", "Synchronization"])
    ) { ["RawSpan+Bytes.swift", "ClientExecutor.swift"].contains($0) },
    RoomRule(
        "Store", rooms: ["CSQLite", "Coordination", "Threads"],
        modules: platform.union(["Logging", "Synchronization"])
    ) { $0.hasPrefix("SQLite") },
    // Floor 3
    RoomRule("Stubs", rooms: ["GRPC", "Messages"], modules: ["NIOCore"]),
    RoomRule(
        "Engine", rooms: ["Coordination", "Store", "Telemetry", "Threads", "JSON"],
        modules: collections.union(["Logging", "Synchronization"])),
    // Floor 4
    RoomRule(
        "AgentKit", rooms: ["Coordination", "JSON", "Threads", "Stubs", "GRPC", "Messages"],
        modules: ["Foundation", "Synchronization"]
    ) { $0 == "AgentExecutor.swift" },
    RoomRule(
        "Services",
        rooms: [
            "Stubs", "GRPC", "Messages", "Engine", "Coordination", "Store", "Cache", "Telemetry",
            "JSON", "Threads",
        ],
        modules: ["NIOCore", "Logging", "Synchronization"]),
    RoomRule(
        "Console", rooms: ["Engine", "Telemetry", "JSON", "Threads"],
        modules: platform.union(["NIOCore", "NIOPosix", "NIOHTTP1", "Logging"])),
    // Floor 5
    RoomRule(
        "MexcPack", rooms: ["AgentKit", "Coordination", "JSON", "Threads"],
        modules: ["AsyncHTTPClient", "NIOCore", "NIOPosix", "NIOHTTP1", "Logging", "Foundation"]),
    // Floor 6
    RoomRule(
        "cadre",
        rooms: [
            "Threads", "JSON", "Telemetry", "Coordination", "Cache", "HTTP2", "Messages", "GRPC",
            "Store", "Stubs", "Engine", "AgentKit", "Services", "Console", "MexcPack",
        ],
        modules: nio.union([
            "ArgumentParser", "Foundation", "Logging", "CoreMetrics", "Metrics", "ServiceLifecycle",
            "Synchronization", "UnixSignals", "Yams",
        ])),
]

/// The C libraries' doors; each has one gatekeeper room.
let cDoors: Set = ["CCadreProto", "CNghttp2", "CProtobufC", "CSQLite"]
