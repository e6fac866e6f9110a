import Messages

/// What clients were told, kept outside the server.
actor Oracle {
    /// A signal to a run; its name is its request id, and no other signal has it.
    struct Signal: Hashable {
        let run: String
        let name: String
    }

    /// Acknowledged runs by the request id they were started with.
    private(set) var starts: [String: String] = [:]
    /// Acknowledged signals.
    private(set) var signals: Set<Signal> = []
    /// Result bytes of runs whose end was acknowledged.
    private(set) var results: [String: [UInt8]] = [:]
    /// The history of a run as it was read before a kill.
    private(set) var histories: [String: [HistoryEvent]] = [:]
    /// Starts and signals that were sent and not answered: they may have happened.
    private var startsInDoubt: [String] = []
    private var signalsInDoubt: [Signal] = []

    /// A start was acknowledged. A second answer for the same request must name the same run.
    func started(_ request: String, _ run: String) -> String? {
        let before = starts.updateValue(run, forKey: request)
        guard let before, before != run else { return nil }
        return "request \(request) was answered with run \(before), then with \(run)"
    }

    func signalled(_ signal: Signal) { signals.insert(signal) }
    func ended(_ run: String, _ result: [UInt8]) { results[run] = result }
    func read(_ run: String, _ events: [HistoryEvent]) { histories[run] = events }
    func unanswered(start request: String) { startsInDoubt.append(request) }
    func unanswered(signal: Signal) { signalsInDoubt.append(signal) }

    /// A start that a client should repeat, as it would after a lost connection.
    func takeDoubtfulStart() -> String? { startsInDoubt.popLast() }
    /// The same of a signal.
    func takeDoubtfulSignal() -> Signal? { signalsInDoubt.popLast() }
}
