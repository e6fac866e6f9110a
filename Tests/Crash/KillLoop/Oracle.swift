import Messages

/// What clients were told, kept outside the server.
actor Oracle {
    /// Acknowledged runs by the request id they were started with.
    private(set) var starts: [String: String] = [:]
    /// Starts that were sent and not answered: they may have happened.
    private var inDoubt: [String] = []
    /// Result bytes of runs whose end was acknowledged.
    private(set) var results: [String: [UInt8]] = [:]
    /// The history of a run as it was read before a kill.
    private(set) var histories: [String: [HistoryEvent]] = [:]

    /// A start was acknowledged. A second answer for the same request must name the same run.
    func started(_ request: String, _ run: String) -> String? {
        let before = starts.updateValue(run, forKey: request)
        guard let before, before != run else { return nil }
        return "request \(request) was answered with run \(before), then with \(run)"
    }

    func unanswered(_ request: String) { inDoubt.append(request) }
    func ended(_ run: String, _ result: [UInt8]) { results[run] = result }
    func read(_ run: String, _ events: [HistoryEvent]) { histories[run] = events }

    /// A start that a client should repeat, as it would after a lost connection.
    func takeDoubtful() -> String? { inDoubt.popLast() }
}
