import JSON
import Messages

/// A report as people read it.
struct ReportText {
    let report: GetReportResponse

    /// The whole of it.
    var lines: [String] { health + [""] + recommendations + [""] + trends }

    private var health: [String] {
        let health = report.health ?? HealthScore()
        var table = TextTable("PART", "WEIGHT", "SCORE", "BASIS")
        for part in health.parts {
            table.add(
                part.name, MetricsText.number(part.weight),
                part.score.map { MetricsText.number($0.value) } ?? "-", part.basis)
        }
        return [
            "health \(MetricsText.number(health.score)) of 100, from "
                + "\(MetricsText.number(health.coverage * 100)) % of its parts",
            health.formula,
        ] + split(table)
    }

    private var recommendations: [String] {
        if report.recommendations.isEmpty { return ["nothing stands out"] }
        return report.recommendations.flatMap { advice in
            let subject = [advice.severity.word, advice.reason, advice.agentType]
            return [
                subject.filter { !$0.isEmpty }.joined(separator: " "), "  \(advice.text)",
            ] + advice.evidence.map { "  because \($0.text)" }
        }
    }

    private var trends: [String] {
        var table = TextTable(
            "SERIES", "AGENT TYPE", "POINTS", "MEAN", "DIRECTION", "PER HOUR", "CONFIDENCE")
        for trend in report.trends {
            table.add(
                trend.series.word, trend.agentType, "\(trend.points)",
                Self.precise(trend.mean), trend.direction.word, Self.precise(trend.slopePerHour),
                MetricsText.number(trend.confidence))
        }
        return split(table)
    }

    private func split(_ table: TextTable) -> [String] {
        table.text.split(separator: "\n").map(String.init)
    }

    /// Six digits behind the point: durations are in seconds.
    private static func precise(_ value: Double) -> String {
        let rounded = (value * 1e6).rounded() / 1e6
        return rounded == 0 ? "0" : "\(rounded)"
    }
}

extension JSONWriter {
    /// The members of a report, into an object that is open.
    mutating func members(of report: GetReportResponse) {
        object("health") { $0.members(of: report.health ?? HealthScore()) }
        member("recommendations", report.recommendations) { $0.recommendation($1) }
        member("trends", report.trends) { $0.trend($1) }
        object("metrics") { $0.members(of: report.metrics ?? CoordinationMetrics()) }
    }

    private mutating func members(of health: HealthScore) {
        member("score", health.score)
        member("coverage", health.coverage)
        member("formula", health.formula)
        member("parts", health.parts) { writer, part in
            writer.beginObject()
            writer.member("name", part.name)
            writer.member("weight", part.weight)
            writer.measure("score", part.score)
            writer.member("basis", part.basis)
            writer.endObject()
        }
    }

    private mutating func recommendation(_ advice: Recommendation) {
        beginObject()
        member("reason", advice.reason)
        member("severity", advice.severity.word)
        if !advice.agentType.isEmpty { member("agent_type", advice.agentType) }
        member("text", advice.text)
        member("evidence", advice.evidence) { writer, evidence in
            writer.beginObject()
            writer.member("series", evidence.series.word)
            if !evidence.agentType.isEmpty { writer.member("agent_type", evidence.agentType) }
            writer.member("observed", evidence.observed)
            writer.member("threshold", evidence.threshold)
            writer.member("observations", evidence.observations)
            writer.member("is_slope", evidence.isSlope)
            writer.member("text", evidence.text)
            writer.endObject()
        }
        endObject()
    }

    private mutating func trend(_ trend: Trend) {
        beginObject()
        member("series", trend.series.word)
        if !trend.agentType.isEmpty { member("agent_type", trend.agentType) }
        member("points", trend.points)
        member("direction", trend.direction.word)
        member("mean", trend.mean)
        member("slope_per_hour", trend.slopePerHour)
        member("slope_low_per_hour", trend.slopeLowPerHour)
        member("slope_high_per_hour", trend.slopeHighPerHour)
        member("confidence", trend.confidence)
        endObject()
    }
}
