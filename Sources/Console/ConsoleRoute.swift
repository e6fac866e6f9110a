import Telemetry

/// One thing that the console shows: a path and what answers it.
///
/// Answers are made on the console's socket loop: quickly, without blocking, from snapshots.
public struct ConsoleRoute: Sendable {
    /// The exact path, beginning with a slash.
    public let path: String
    /// What it shows, in a few words for the index page.
    public let summary: String
    /// Answers `GET` and `HEAD`; the body is left out of the latter by the console.
    public let answer: @Sendable (ConsoleRequest) -> ConsoleResponse

    /// Shows `answer` at `path`.
    public init(
        path: String, summary: String,
        answer: @escaping @Sendable (ConsoleRequest) -> ConsoleResponse
    ) {
        precondition(path.hasPrefix("/"), "the path of a route begins with a slash: \(path)")
        self.path = path
        self.summary = summary
        self.answer = answer
    }

    /// `/metrics`: what Prometheus scrapes, as Prometheus text or OpenMetrics by `Accept`.
    ///
    /// - Parameter render: gives the whole exposition, such as `MetricsRegistry.render`.
    public static func metrics(
        _ render: @escaping @Sendable (MetricsFormat) -> [UInt8]
    ) -> ConsoleRoute {
        ConsoleRoute(path: "/metrics", summary: "metrics for Prometheus") { request in
            let format = MetricsFormat(accept: request.accept)
            return ConsoleResponse(
                contentType: format.contentType, body: render(format), variesByAccept: true)
        }
    }

    /// `/healthz`: the process lives and its console loop turns. Never looks further, so that a
    /// sick database does not get the process restarted.
    public static let healthz = ConsoleRoute(
        path: "/healthz", summary: "whether the process lives"
    ) { _ in
        ConsoleResponse(text: "ok\n")
    }

    /// `/readyz`: whether the service takes work; 200 or 503, with `?verbose` one line per check.
    /// When it does not, the lines come in any case.
    public static func readyz(
        _ checks: @escaping @Sendable () -> [ReadinessCheck]
    ) -> ConsoleRoute {
        ConsoleRoute(path: "/readyz", summary: "whether it takes work; ?verbose for each check") {
            request in
            let checks = checks()
            let isReady = checks.allSatisfy { $0.failure == nil }
            let lines = checks.map { $0.line + "\n" }.joined()
            let verdict = isReady ? "ready\n" : "not ready\n"
            return ConsoleResponse(
                status: isReady ? 200 : 503,
                text: isReady && !request.hasQueryItem("verbose") ? verdict : lines + verdict)
        }
    }
}

/// One condition of readiness, as `/readyz` shows it.
public struct ReadinessCheck: Sendable, Hashable {
    /// What is looked at, such as `store`.
    public let name: String
    /// Why it is not ready; `nil` when it is.
    public let failure: String?

    /// The outcome of a check.
    public init(_ name: String, failure: String? = nil) {
        self.name = name
        self.failure = failure
    }

    /// `[+] store` or `[-] store: the disk is full`.
    var line: String {
        failure.map { "[-] \(name): \($0)" } ?? "[+] \(name)"
    }
}
