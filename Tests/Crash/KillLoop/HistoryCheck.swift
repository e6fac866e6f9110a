import Messages

/// What must hold of any finished run's history.
enum HistoryCheck {
    /// The first broken rule; `nil` when all hold.
    static func fault(in events: [HistoryEvent]) -> String? {
        var completed: Set<String> = []
        for (index, event) in events.enumerated() {
            if event.sequence != Int64(index + 1) { return "gap at sequence \(event.sequence)" }
            switch event.type {
            case .stepScheduled, .stepStarted:
                if completed.contains(event.step) {
                    return "step \(event.step) ran again after its result was committed"
                }
            case .stepCompleted:
                if !completed.insert(event.step).inserted {
                    return "step \(event.step) committed two results"
                }
            default: continue
            }
        }
        if completed != Set(LoopWorkflow.steps) { return "completed are \(completed.sorted())" }
        return tokensGrow(events) ? nil : "a fencing token did not grow"
    }

    /// Every acknowledged signal is there once; the same request twice is one signal.
    static func fault(in events: [HistoryEvent], acknowledged signals: [String]) -> String? {
        let received = events.filter { $0.type == .signalReceived }.map(\.signal)
        for signal in signals where received.count(where: { $0 == signal }) != 1 {
            return "signal \(signal) is \(received.count(where: { $0 == signal })) times in history"
        }
        return Set(received).count == received.count ? nil : "a signal was received twice"
    }

    /// Each attempt of a step has a larger token than the one before. Steps that run side by side
    /// are given theirs together and may begin in either order.
    private static func tokensGrow(_ events: [HistoryEvent]) -> Bool {
        var last: [String: UInt64] = [:]
        for event in events where event.type == .stepStarted {
            if let before = last[event.step], event.token <= before { return false }
            last[event.step] = event.token
        }
        return true
    }
}
