import LoadKit

/// What was asked for on the command line.
struct LoadArguments {
    var port = 50_051
    /// Calls in flight at once.
    var callers = 64
    /// Connections that the callers share evenly.
    var connections = 4
    /// Calls in all, not counting the warm-up.
    var count = 2_000
    /// Calls before the clock starts.
    var warmUp = 0
    var work = LoadWork.runs(steps: 1)
    /// The agent type that does the work.
    var agent = "echo"

    static let usage = """
        usage: WorkflowLoad --port P [--steps 1...500 | --invoke | --check |
                             --parked agent|timer|signal | --subscribers N]
                            [--callers N] [--connections N] [--count N] [--warm-up N] [--agent TYPE]
        """

    /// - Throws: ``LoadFault`` that names the word that is wrong.
    init(_ words: [String]) throws(LoadFault) {
        var rest = words.dropFirst()
        while let name = rest.popFirst() {
            switch name {
            case "--invoke":
                work = .invokes
                continue
            case "--check":
                work = .checks
                continue
            default: break
            }
            guard let value = rest.popFirst() else { throw LoadFault("\(name) needs a value") }
            switch name {
            case "--agent": agent = value
            case "--port": port = try LoadFault.number(name, value, 1...65_535)
            case "--callers": callers = try LoadFault.number(name, value, 1...100_000)
            case "--connections": connections = try LoadFault.number(name, value, 1...1_000)
            case "--count": count = try LoadFault.number(name, value, 1...100_000_000)
            case "--warm-up": warmUp = try LoadFault.number(name, value, 0...100_000_000)
            case "--parked":
                guard let wait = LoadWork.Wait(rawValue: value) else {
                    throw LoadFault("--parked is \(value); it is agent, timer or signal")
                }
                work = .parkedRuns(wait)
            case "--subscribers":
                work = .fanOut(subscribers: try LoadFault.number(name, value, 1...10_000))
            case "--steps": work = .runs(steps: try LoadFault.number(name, value, 1...500))
            default: throw LoadFault("there is no option \(name)\n\(Self.usage)")
            }
        }
    }
}

/// What one call does.
enum LoadWork {
    /// Executes a workflow of this many no-op steps, one after the other, and waits for its end.
    case runs(steps: Int)
    /// Invokes the agent once, without a workflow.
    case invokes
    /// Asks the health service, which does nothing but answer: what a call costs by itself.
    case checks
    /// Publishes an event that so many subscribers are told of.
    case fanOut(subscribers: Int)
    /// Starts a run that waits for a day, and does not wait for it.
    case parkedRuns(Wait)

    /// What a parked run waits for.
    enum Wait: String {
        /// An agent of a type that nobody is of.
        case agent
        /// A timer.
        case timer
        /// A signal that nobody sends.
        case signal
    }
}
