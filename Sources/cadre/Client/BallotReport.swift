import JSON
import Messages

extension DecideResponse {
    /// Prints what was decided, or why nothing was.
    func show(_ format: OutputFormat) {
        if format == .json { return printJSON { $0.decision(self) } }
        let text = result.map { String(decoding: $0.data, as: UTF8.self) } ?? ""
        printVisible(decided ? "decided: \(text)" : "no decision: \(reason.word)")
        printVisible(
            "quorum \(quorum.share)  support \(support.share)  margin \(margin.share)  "
                + "confidence \(confidence.share)  agreement \(agreement.share)"
                + (early ? "  (early)" : ""))
        printVisible("id \(requestID)")
        var table = TextTable("ANSWER", "WEIGHT", "VOTERS")
        for cluster in clusters {
            table.add(
                cluster.answer.map { String(decoding: $0.data.prefix(60), as: UTF8.self) } ?? "",
                "\(cluster.weight)", cluster.voters.joined(separator: " "))
        }
        printVisible(table.text)
        for voter in missing {
            let failure = voter.failure.map { ": \($0.message)" } ?? ""
            printVisible("missing: \(voter.voter) (\(voter.reason.word))\(failure)")
        }
    }
}

extension JSONWriter {
    fileprivate mutating func decision(_ response: DecideResponse) {
        member("request_id", response.requestID)
        member("decided", response.decided)
        if !response.decided { member("reason", response.reason.word) }
        if let result = response.result {
            key("result")
            payload(result)
        }
        for (name, value) in [
            ("quorum", response.quorum), ("support", response.support),
            ("margin", response.margin), ("confidence", response.confidence),
            ("agreement", response.agreement),
        ] {
            key(name)
            double(value)
        }
        member("early", response.early)
        member("elapsed_micros", response.elapsedMicros)
        member("clusters", response.clusters) { $0.cluster($1) }
        member("dissenters", response.dissenters) { $0.dissent($1) }
        member("missing", response.missing) { writer, voter in
            writer.beginObject()
            writer.member("voter", voter.voter)
            writer.member("reason", voter.reason.word)
            if let failure = voter.failure { writer.member("message", failure.message) }
            writer.endObject()
        }
    }

    private mutating func cluster(_ cluster: AnswerCluster) {
        beginObject()
        if let answer = cluster.answer {
            key("answer")
            payload(answer)
        }
        key("weight")
        double(cluster.weight)
        member("voters", cluster.voters)
        endObject()
    }

    private mutating func dissent(_ dissent: Dissent) {
        beginObject()
        member("voter", dissent.voter)
        member("agent_id", dissent.agentID)
        if let answer = dissent.answer {
            key("answer")
            payload(answer)
        }
        endObject()
    }

    mutating func accuracy(_ voter: VoterAccuracy) {
        beginObject()
        member("voter", voter.voter)
        member("judged", voter.judged)
        member("right", voter.right)
        key("accuracy")
        double(voter.accuracy)
        key("weight")
        double(voter.weight)
        endObject()
    }

    fileprivate mutating func coefficient(_ name: String, _ value: Coefficient?) {
        guard let value else { return }
        key(name)
        double(value.value)
    }
}

extension [VoterAccuracy] {
    /// A row for each voter.
    var table: TextTable {
        var table = TextTable("VOTER", "JUDGED", "RIGHT", "ACCURACY", "WEIGHT")
        for voter in self {
            table.add(
                voter.voter, "\(voter.judged)", "\(voter.right)", voter.accuracy.share,
                voter.weight.share)
        }
        return table
    }
}

extension GetSeriesResponse {
    /// Prints how far the voters agree.
    func show(_ format: OutputFormat) {
        if format == .json {
            return printJSON {
                $0.member("series", series)
                $0.member("decisions", decisions)
                $0.member("decided", decided)
                $0.member("judged", judged)
                $0.member("correct", correct)
                $0.coefficient("consensus_accuracy", consensusAccuracy)
                $0.coefficient("alpha_nominal", alphaNominal)
                $0.coefficient("alpha_interval", alphaInterval)
                $0.coefficient("kappa", kappa)
                $0.member("voters", voters) { $0.accuracy($1) }
                $0.member("pairs", pairs) { writer, pair in
                    writer.beginObject()
                    writer.member("first", pair.first)
                    writer.member("second", pair.second)
                    writer.member("together", pair.together)
                    writer.member("agreed", pair.agreed)
                    writer.endObject()
                }
            }
        }
        printVisible(
            "\(decisions) decisions, \(decided) decided, \(correct) of \(judged) known ones right")
        printVisible(
            "alpha nominal \(alphaNominal.text)  interval \(alphaInterval.text)  "
                + "kappa \(kappa.text)")
        printVisible(voters.table.text)
        for pair in pairs where pair.agreed == pair.together {
            printVisible(
                "\(pair.first) and \(pair.second) agreed in all \(pair.together) questions")
        }
    }
}

extension ListSeriesResponse {
    /// Prints the series of the namespace.
    func show(_ format: OutputFormat) {
        if format == .json {
            return printJSON {
                $0.member("series", series) { writer, one in
                    writer.beginObject()
                    writer.member("series", one.series)
                    writer.member("decisions", one.decisions)
                    writer.member("judged", one.judged)
                    writer.member("correct", one.correct)
                    writer.endObject()
                }
            }
        }
        var table = TextTable("SERIES", "DECISIONS", "JUDGED", "RIGHT")
        for one in series {
            table.add(one.series, "\(one.decisions)", "\(one.judged)", "\(one.correct)")
        }
        printVisible(table.text)
    }
}

extension Coefficient? {
    fileprivate var text: String { self?.value.share ?? "-" }
}

extension Double {
    /// Four digits are enough for people.
    fileprivate var share: String { "\((self * 10_000).rounded() / 10_000)" }
}
