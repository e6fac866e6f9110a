import AsyncHTTPClient
import Coordination
import JSON
import NIOCore
import NIOHTTP1

/// An answer as it came, whatever its status.
struct RawAnswer: Sendable {
    var url: String
    var status: UInt
    var retryAfterSeconds: Int64?
    var body: [UInt8]
}

/// How one request goes: past the breaker, to its turn, over the wire.
extension RESTMarket {
    /// Asks, and reads an answer in JSON that says what was asked for.
    func ask<Value: Sendable>(
        _ endpoint: RESTEndpoint,
        _ read: @Sendable (ExchangeAnswer) throws(StepFailure) -> Value
    ) async throws(StepFailure) -> Value {
        try await request(endpoint) { (raw) async throws(StepFailure) in
            let raw = try await checked(raw, endpoint)
            let document: JSONDocument
            do { document = try JSONDocument(parsing: raw.body) } catch {
                throw MarketFailure.invalidAnswer(raw.url, "it is no JSON at \(error)")
            }
            if let refusal = await refusal(in: document.root, raw, endpoint) { throw refusal }
            return try read(ExchangeAnswer(url: raw.url, root: document.root))
        }
    }

    /// Reads the symbol list of one quote currency out of an answer.
    func list(
        _ raw: RawAnswer, _ endpoint: RESTEndpoint, quote: String
    ) async throws(StepFailure) -> SymbolList {
        let raw = try await checked(raw, endpoint)
        do throws(SymbolListReader.Fault) {
            return try SymbolListReader.read(raw.body, quote: quote)
        } catch {
            throw await failure(error, raw, endpoint, quote: quote)
        }
    }

    private func failure(
        _ fault: SymbolListReader.Fault, _ raw: RawAnswer, _ endpoint: RESTEndpoint, quote: String
    ) async -> StepFailure {
        switch fault {
        case .notJSON(let error):
            return MarketFailure.invalidAnswer(raw.url, "it is no JSON at \(error)")
        case .noSuchQuote(let available):
            return MarketFailure.unknownQuote(quote, available: available, in: raw.url)
        case .foreign(let found):
            let root = try? JSONDocument(parsing: raw.body).root
            let refusal = await refusal(in: root, raw, endpoint)
            return refusal ?? MarketFailure.invalidAnswer(raw.url, "it is \(found)")
        }
    }

    /// One request: refused while the breaker is open, then held back until its turn, then made and
    /// told to the breaker. The wait is no part of what the breaker judges.
    func request<Value: Sendable>(
        _ endpoint: RESTEndpoint,
        _ use: @Sendable (RawAnswer) async throws(StepFailure) -> Value
    ) async throws(StepFailure) -> Value {
        try requestGuard.refuseWhileOpen()
        try await pacer.waitForTurn()
        return try await requestGuard.run { () async throws(StepFailure) in
            try await use(fetch(endpoint))
        }
    }

    private func fetch(_ endpoint: RESTEndpoint) async throws(StepFailure) -> RawAnswer {
        let url = (endpoint.base == .api ? apiBase : webBase) + endpoint.target
        let millis = min(endpoint.timeoutMillis * patience, timeoutLimitMillis)
        do {
            return try await limited(millis: millis) {
                try await exchange(url, maxBytes: endpoint.maxBytes, millis: millis)
            }
        } catch is NIOTooManyBytesError {
            throw MarketFailure.invalidAnswer(url, "it has more than \(endpoint.maxBytes) bytes")
        } catch is RequestTimedOut {
            throw MarketFailure.unreachable(
                url, "no complete answer within \(millis) ms")
        } catch {
            if Task.isCancelled { throw MarketFailure.cancelled }
            throw MarketFailure.unreachable(url, TransportFault.sentence(error))
        }
    }

    private func exchange(
        _ url: String, maxBytes: Int, millis: Int64
    ) async throws -> RawAnswer {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Accept", value: "application/json")
        request.headers.add(name: "Accept-Encoding", value: "gzip")
        request.headers.add(name: "User-Agent", value: "cadre")
        let response = try await client.execute(
            request, timeout: .milliseconds(millis))
        let body = try await response.body.collect(upTo: maxBytes)
        return RawAnswer(
            url: url, status: response.status.code,
            retryAfterSeconds: response.headers.first(name: "Retry-After").flatMap { Int64($0) },
            body: [UInt8](body.readableBytesView))
    }
}

/// Nobody answered in time.
private struct RequestTimedOut: Error {}

/// Runs `work`, cancels it after `millis`. The client's own limit ends with the answer's head, so
/// an answer that trickles in needs this one.
private func limited<Value: Sendable>(
    millis: Int64, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(for: .milliseconds(millis))
            throw RequestTimedOut()
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw RequestTimedOut() }
        return value
    }
}
