import Coordination
import Messages

extension GetReportResponse {
    /// - Parameter now: the clocks, by which instants are shown.
    init(_ report: CoordinationReport, now: EngineTime) {
        self.init()
        metrics = Messages.CoordinationMetrics(report.window, now: now)
        health = HealthScore(report.health)
        trends = report.trends.map(Trend.init)
        recommendations = report.advice.map(Recommendation.init)
    }
}

extension HealthScore {
    fileprivate init(_ health: HealthAssessment) {
        self.init()
        score = health.score
        coverage = health.coverage
        formula = health.formula
        parts = health.parts.map { part in
            HealthPart(
                name: part.name, weight: part.weight, score: Measure(part.score),
                basis: part.basis)
        }
    }
}

extension Trend {
    fileprivate init(_ trend: MetricTrend) {
        self.init()
        series = MetricSeries(rawValue: trend.series.rawValue)
        agentType = trend.agentType
        points = Int32(clamping: trend.line.points)
        direction =
            switch trend.direction {
            case .unknown: .unspecified
            case .steady: .steady
            case .rising: .rising
            case .falling: .falling
            }
        mean = trend.line.mean
        slopePerHour = trend.line.slope
        slopeLowPerHour = trend.line.bounds?.lowerBound ?? 0
        slopeHighPerHour = trend.line.bounds?.upperBound ?? 0
        confidence = trend.line.confidence ?? 0
    }
}

extension Recommendation {
    fileprivate init(_ advice: Advice) {
        self.init()
        reason = advice.reason.rawValue
        severity = RecommendationSeverity(rawValue: advice.severity.rawValue)
        agentType = advice.agentType
        text = advice.text
        evidence = advice.evidence.map(Messages.Evidence.init)
    }
}

extension Messages.Evidence {
    fileprivate init(_ evidence: Advice.Evidence) {
        self.init()
        series = MetricSeries(rawValue: evidence.series.rawValue)
        agentType = evidence.agentType
        observed = evidence.observed
        threshold = evidence.threshold
        observations = evidence.observations
        isSlope = evidence.isSlope
        text = evidence.text
    }
}
