import ArgumentParser
import Foundation
import JSON
import Messages
import Stubs

/// Ballots: asking several agents, saying what was right, looking at how far they agree.
struct BallotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ballot",
        abstract: "Ask several agents, say what was right, see how far they agree.",
        subcommands: [Decide.self, Outcome.self, Agreement.self])
}

extension BallotCommand {
    /// Puts a question to a ballot.
    struct Decide: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask several agents and take what enough of them answer.",
            discussion: """
                A voter is TYPE (its least loaded instance), TYPE@ID, or TYPE:* for every instance; \
                =WEIGHT may follow. Exit code 1 when nothing was decided.
                """)

        @Argument(help: "What the voters are asked: an operation.")
        var operation: String

        @Option(
            name: .customLong("voter"),
            help: "An agent type, TYPE@ID for one instance, TYPE:* for all; =WEIGHT may follow.")
        var voters: [String]

        @Option(help: "The question: JSON, @FILE, or - for standard input.")
        var input = "{}"

        @Option(help: "majority, weighted, unanimous, ranked, median or trimmed-mean.")
        var method: MethodWord = .majority

        @Option(help: "The share that must answer. Default: 0.6.")
        var quorum: Double?

        @Option(help: "The share the winner needs. Default: more than half.")
        var support: Double?

        @Option(help: "What of an answer counts, such as verdict.side.")
        var field = ""

        @Option(help: "Numbers this far apart are the same.")
        var tolerance: Double = 0

        @Option(help: "Leaves a record in this series.")
        var series = ""

        @Option(help: "Names the decision in its series.")
        var id: String?

        @Option(help: "How long the voters have, seconds.")
        var deadline: Double = 30

        @Flag(help: "Weigh voters by what the series has learnt of them.")
        var accuracy = false

        @Flag(help: "Hear all voters although the outcome is certain.")
        var hearAll = false

        @OptionGroup var server: ServerOptions

        func validate() throws {
            try OptionCheck.id(id, "--id")
        }

        func run() async throws {
            try await reporting {
                let request = try request()
                try await server.withClient { client in
                    let response = try await BallotServiceClient(client: client)
                        .decide(request, options: server.callOptions)
                    response.show(server.output)
                    if !response.decided { throw Failed("nothing was decided") }
                }
            }
        }

        private func request() throws -> DecideRequest {
            var request = DecideRequest()
            request.operation = operation
            request.payload = Payload(data: try InputText.bytes(input))
            request.voters = try voters.map(Voter.init(argument:))
            request.deadlineMillis = try Duration.millis(deadline, "--deadline")
            request.requestID = id ?? ""
            var rules = BallotRules()
            rules.method = method.wire
            rules.quorum = quorum ?? 0
            rules.support = support ?? 0
            rules.series = series
            rules.weights = accuracy ? .accuracy : .given
            rules.hearAll = hearAll
            if !field.isEmpty || tolerance > 0 {
                var equivalence = AnswerEquivalence(field: field)
                equivalence.absoluteTolerance = tolerance
                if tolerance > 0 { equivalence.rule = .number }
                rules.equivalence = equivalence
            }
            request.rules = rules
            return request
        }
    }

    /// Says what became of a decision.
    struct Outcome: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what would have been right, or whether a decision was.")

        @Argument(help: "The series.")
        var series: String

        @Argument(help: "The decision's id.")
        var decision: String

        @Argument(
            help: "right, wrong, or the right answer: JSON, @FILE, or - for standard input.")
        var truth: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var request = ReportOutcomeRequest()
                request.series = series
                request.decision = decision
                switch truth {
                case "right": request.outcome = .correct(true)
                case "wrong": request.outcome = .correct(false)
                default: request.outcome = .truth(Payload(data: try InputText.bytes(truth)))
                }
                try await server.withClient { client in
                    let response = try await BallotServiceClient(client: client)
                        .reportOutcome(request, options: server.callOptions)
                    show(response)
                }
            }
        }

        private func show(_ response: ReportOutcomeResponse) {
            if server.output == .json {
                return printJSON {
                    $0.member("decision_correct", response.decisionCorrect)
                    $0.member("voters", response.voters) { $0.accuracy($1) }
                }
            }
            printVisible("the decision was \(response.decisionCorrect ? "right" : "wrong")")
            printVisible(response.voters.table.text)
        }
    }

    /// Shows a series.
    struct Agreement: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how far the voters of a series agree and how often they are right.")

        @Argument(help: "The series; none: all series.")
        var series: String?

        @Option(help: "Looks at the newest so many decisions. Default: all that are kept.")
        var decisions: Int32?

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let client = BallotServiceClient(client: client)
                    guard let series else {
                        let response = try await client.listSeries(
                            ListSeriesRequest(), options: server.callOptions)
                        return response.show(server.output)
                    }
                    let request = GetSeriesRequest(series: series, decisions: decisions ?? 0)
                    let response = try await client.getSeries(
                        request, options: server.callOptions)
                    response.show(server.output)
                }
            }
        }
    }
}

/// How the answers become one, as a word.
enum MethodWord: String, ExpressibleByArgument, CaseIterable {
    case majority, weighted, unanimous, ranked, median
    case trimmedMean = "trimmed-mean"

    var wire: VotingMethod {
        switch self {
        case .majority: .majority
        case .weighted: .weighted
        case .unanimous: .unanimous
        case .ranked: .ranked
        case .median: .median
        case .trimmedMean: .trimmedMean
        }
    }
}

extension Voter {
    /// Reads `TYPE`, `TYPE@ID` or `TYPE:*`, and a weight behind `=`.
    init(argument: String) throws {
        self.init()
        var text = argument[...]
        if let sign = text.lastIndex(of: "=") {
            guard let value = Double(text[text.index(after: sign)...]) else {
                throw Failed("--voter \(argument): what follows = is no number", exitCode: EX_USAGE)
            }
            // 0 on the wire is what nobody set, and counts as 1.
            guard value > 0 else {
                throw Failed(
                    "--voter \(argument): a weight is over 0; leave the voter out instead",
                    exitCode: EX_USAGE)
            }
            weight = value
            text = text[..<sign]
        }
        if text.hasSuffix(":*") {
            everyInstance = true
            text = text.dropLast(2)
        } else if let sign = text.firstIndex(of: "@") {
            agentID = String(text[text.index(after: sign)...])
            text = text[..<sign]
        }
        agentType = String(text)
    }
}
