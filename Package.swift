// swift-tools-version: 6.2
import PackageDescription

/// What every target of ours is held to. `.strictMemorySafety()` makes each pointer use say
/// `unsafe`; warnings are errors, so nothing of it can be overlooked.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Tests are held to the same, but may pass pointers to C without saying so.
let tested: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioConcurrency = Target.Dependency.product(
    name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")

/// A room: a target of ours in `Sources`, with the rooms and packages that house rules allow it.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of a room, in `Tests`.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: tested)
}

/// A door: the only way to a C library.
func door(_ name: String, pkgConfig: String, apt: String, brew: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig,
        providers: [.apt([apt]), .brew([brew])])
}

let package = Package(
    name: "cadre",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "cadre", targets: ["cadre"]),
        .library(name: "AgentKit", targets: ["AgentKit"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
    ],
    targets: [
        // Doors
        door("CNghttp2", pkgConfig: "libnghttp2", apt: "libnghttp2-dev", brew: "libnghttp2"),
        door(
            "CProtobufC", pkgConfig: "libprotobuf-c", apt: "libprotobuf-c-dev", brew: "protobuf-c"),
        door("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev", brew: "sqlite"),
        .target(name: "CCadreProto", dependencies: ["CProtobufC"], path: "Sources/C/CCadreProto"),

        // Floor 0
        room("Threads"),
        room("JSON"),
        room("Telemetry", ["Threads", .product(name: "CoreMetrics", package: "swift-metrics")]),

        // Floor 1
        room(
            "Coordination", ["JSON", .product(name: "Collections", package: "swift-collections")]),
        room("Cache", ["Threads"]),
        room("HTTP2", ["CNghttp2"]),
        room("Messages", ["CCadreProto", "CProtobufC"]),

        // Floor 2
        room("GRPC", ["HTTP2", nioCore, nioPosix, nioConcurrency]),
        room("Store", ["CSQLite", "Coordination", "Threads", log]),

        // Floor 3
        room("Stubs", ["GRPC", "Messages", nioCore]),
        room(
            "Engine",
            [
                "Coordination", "Store", "Telemetry", "Threads", "JSON", log,
                .product(name: "Collections", package: "swift-collections"),
            ]),

        // Floor 4
        room("AgentKit", ["Coordination", "JSON", "Stubs", "GRPC", "Messages", "Threads"]),
        room(
            "Services",
            [
                "Stubs", "GRPC", "Messages", "Engine", "Store", "Coordination", "Cache",
                "Telemetry", "Threads", "JSON", nioCore,
            ]),
        room(
            "Console", ["Engine", "Telemetry", "JSON", "Threads", nioCore, nioPosix, nioHTTP1, log]),

        // Floor 5
        room(
            "MexcPack",
            [
                "AgentKit", "Coordination", "JSON", "Threads", nioCore, nioPosix, nioHTTP1, log,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ]),

        // Floor 6
        .executableTarget(
            name: "cadre",
            dependencies: [
                "MexcPack", "Console", "Services", "AgentKit", "Engine", "Stubs", "Store", "GRPC",
                "Messages", "Coordination", "Cache", "JSON", "Telemetry", "Threads", nioCore,
                nioPosix, log,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            // Workflow definitions to put, not to compile.
            exclude: ["Patterns"],
            swiftSettings: strict),

        // Programs beside the tests
        .target(
            name: "InteropProto", dependencies: ["CProtobufC", "CCadreProto"],
            path: "Tests/Conformance/InteropProto"),
        .target(
            name: "InteropMessages",
            dependencies: ["Messages", "GRPC", "Stubs", "InteropProto", "CProtobufC"],
            path: "Tests/Conformance/InteropMessages", swiftSettings: strict),
        .executableTarget(
            name: "InteropServer",
            dependencies: ["GRPC", "Stubs", "InteropMessages", nioCore, nioPosix],
            path: "Tests/Conformance/InteropServer", swiftSettings: strict),
        .executableTarget(
            name: "StoreCrash", dependencies: ["Store", "Coordination"],
            path: "Tests/Crash/StoreCrash", swiftSettings: tested),
        .target(name: "CrashKit", path: "Tests/Crash/CrashKit", swiftSettings: tested),
        .executableTarget(
            name: "StoreBench", dependencies: ["Store", "Coordination", "Threads"],
            path: "Tests/Benchmarks/StoreBench", swiftSettings: tested),
        .executableTarget(
            name: "KillLoop", dependencies: ["CrashKit", "GRPC", "Stubs", "Messages", nioPosix],
            path: "Tests/Crash/KillLoop", swiftSettings: tested),
        .executableTarget(
            name: "SharingKill", dependencies: ["CrashKit", "GRPC", "Stubs", "Messages", nioPosix],
            path: "Tests/Crash/SharingKill", swiftSettings: tested),
        .executableTarget(
            name: "WorkerKill",
            dependencies: [
                "CrashKit", "AgentKit", "Coordination", "GRPC", "Stubs", "Messages", nioPosix,
            ],
            path: "Tests/Crash/WorkerKill", swiftSettings: tested),
        .executableTarget(
            name: "EchoWorker", dependencies: ["AgentKit", "Coordination", "GRPC", nioPosix],
            path: "Tests/Benchmarks/EchoWorker", swiftSettings: tested),
        .executableTarget(
            name: "WorkflowLoad",
            dependencies: ["LoadKit", "GRPC", "Stubs", "Messages", "Threads", nioPosix],
            path: "Tests/Benchmarks/WorkflowLoad", swiftSettings: tested),
        .executableTarget(
            name: "SharingLoad",
            dependencies: ["LoadKit", "GRPC", "Stubs", "Messages", "Threads", nioPosix],
            path: "Tests/Benchmarks/SharingLoad", swiftSettings: tested),
        .target(name: "LoadKit", path: "Tests/Benchmarks/LoadKit", swiftSettings: tested),
        .executableTarget(
            name: "BreakerBench", dependencies: ["AgentKit", "Coordination", "Threads"],
            path: "Tests/Benchmarks/BreakerBench", swiftSettings: tested),
        .target(name: "AllocationCount", path: "Tests/Benchmarks/AllocationCount"),
        .executableTarget(
            name: "MetricsBench", dependencies: ["AllocationCount", "Telemetry", "Threads"],
            path: "Tests/Benchmarks/MetricsBench", swiftSettings: tested),

        .executableTarget(
            name: "CacheBench", dependencies: ["Cache", "Threads"],
            path: "Tests/Benchmarks/CacheBench", swiftSettings: tested),
        .executableTarget(
            name: "CallFloor", dependencies: ["GRPC", "Stubs", "Messages", "Telemetry", nioPosix],
            path: "Tests/Benchmarks/CallFloor", swiftSettings: tested),

        // Tests, by room
        .target(
            name: "TestKit", dependencies: ["Store", "Coordination"], path: "Tests/TestKit",
            swiftSettings: tested),
        tests("ThreadsTests", ["Threads"]),
        tests("JSONTests", ["JSON"]),
        tests(
            "TelemetryTests",
            ["Telemetry", "Threads", .product(name: "CoreMetrics", package: "swift-metrics")]),
        tests("CoordinationTests", ["Coordination", "JSON"]),
        tests("CacheTests", ["Cache", "Threads"]),
        tests("HTTP2Tests", ["HTTP2"]),
        tests("MessagesTests", ["Messages", "Stubs", "GRPC", "InteropMessages"]),
        tests("GRPCTests", ["GRPC", "HTTP2", nioCore, nioPosix, nioConcurrency]),
        tests("StoreTests", ["Store", "Coordination", "Threads"]),
        tests("EngineTests", ["TestKit", "Engine", "Store", "Coordination", "JSON", "Threads"]),
        tests("SimulationTests", ["Engine", "Store", "Coordination", "JSON"]),
        tests("ConsoleTests", ["Console", "Telemetry", nioCore, nioPosix]),
        tests("StubsTests", ["Stubs", "Messages", "GRPC", "InteropMessages", nioCore, nioPosix]),
        tests("MexcPackTests", ["MexcPack", "AgentKit", "Coordination", "JSON", "Threads"]),
        tests(
            "ServicesTests",
            [
                "TestKit", "Services", "AgentKit", "Cache", "Engine", "Store", "Stubs", "GRPC",
                "Messages", "Coordination", "Threads", nioPosix,
            ]),
        tests("AgentKitTests", ["AgentKit", "Coordination", "JSON", "Messages", "Threads"]),
        tests(
            "cadreTests",
            [
                "cadre", "AgentKit", "Messages", "Coordination", "Engine", "Store", "Telemetry",
                "Threads", log,
            ]),
        tests(
            "EndToEndTests",
            [
                "cadre", "GRPC", "Stubs", "Messages", "JSON", "Threads", nioCore, nioPosix,
                nioHTTP1,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ]),
        tests("CrashKitTests", ["CrashKit"]),
        tests("TidyTests", []),
    ]
)
