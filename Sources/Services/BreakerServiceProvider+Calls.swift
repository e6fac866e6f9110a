import Coordination
import Engine
import GRPC
import Messages
import Stubs

/// Permits and reports, for clients that make the guarded calls themselves.
extension BreakerServiceProvider {
    /// Asks a breaker for leave to make one call.
    public func permit(_ request: PermitRequest, _ call: UnaryCall<PermitResponse>) {
        guard let namespace = call.namespace(), let name = name(request.name, call) else { return }
        ask(call, .permit(namespace, name: name)) { answer in
            guard case .permit(let decision, let view) = answer else { return nil }
            return PermitResponse(decision, view)
        }
    }

    /// Tells a breaker how one call went, or what a value is.
    public func report(_ request: ReportRequest, _ call: UnaryCall<ReportResponse>) {
        guard let namespace = call.namespace() else { return }
        guard let message = request.report else { return call.fail(.missing("report")) }
        var faults = FieldFaults()
        let report = BreakerReport(message, "report", &faults)
        guard faults.status == nil, let report else {
            return call.fail(faults.status ?? .missing("report"))
        }
        ask(call, .report(namespace, [report])) { answer in
            guard case .reported(let outcomes) = answer, let outcome = outcomes.first else {
                return nil
            }
            guard outcome != nil else {
                call.fail(Self.unknown(report.name))
                return ReportResponse()
            }
            return ReportResponse(outcome: Messages.ReportOutcome(outcome))
        }
    }

    /// Tells breakers how many calls went.
    public func reportMany(_ request: ReportManyRequest, _ call: UnaryCall<ReportManyResponse>) {
        guard let namespace = call.namespace() else { return }
        var faults = FieldFaults()
        let count = request.reports.count
        faults.check(
            (1...1_000).contains(count), "reports", "has \(count) entries; allowed are 1 to 1,000")
        var reports: [Engine.BreakerReport] = []
        for (index, message) in request.reports.prefix(1_000).enumerated() {
            if let report = BreakerReport(message, "reports[\(index)]", &faults) {
                reports.append(report)
            }
        }
        if let status = faults.status { return call.fail(status) }
        ask(call, .report(namespace, reports)) { answer in
            guard case .reported(let outcomes) = answer else { return nil }
            return ReportManyResponse(outcomes: outcomes.map { Messages.ReportOutcome($0) })
        }
    }

    private static func unknown(_ name: String) -> GRPCStatus {
        Rejection(
            .notFound, reason: "BREAKER_NOT_FOUND",
            "no breaker \"\(name)\" in this namespace; put one first"
        ).status
    }
}

extension PermitResponse {
    init(_ decision: PermitDecision, _ view: BreakerView) {
        self.init()
        state = Messages.BreakerState(view.state)
        switch decision {
        case .granted(let permit):
            permitted = true
            permitID = permit.text
            probe = permit.isProbe
        case .refused(let refusal): retryAfterMillis = refusal.retryAfterMillis ?? 0
        }
    }
}

extension BreakerPermit {
    /// 16 hexadecimal digits.
    fileprivate var text: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    fileprivate init?(_ text: String) {
        guard text.utf8.count == 16, let value = UInt64(text, radix: 16) else { return nil }
        self.init(rawValue: value)
    }
}

extension Engine.BreakerReport {
    /// Reads a report off the wire; `nil` after its faults were noted.
    fileprivate init?(
        _ report: Messages.BreakerReport, _ path: String, _ faults: inout FieldFaults
    ) {
        let before = faults.faults.count
        faults.checkName(report.name, "\(path).name")
        var content: Content?
        switch report.content {
        case .value(let value):
            faults.check(value.isFinite, "\(path).value", "is \(value); it must be finite")
            content = .value(value)
        case .call(let call):
            let permit = BreakerPermit(call.permitID)
            faults.check(
                permit != nil, "\(path).call.permit_id",
                "is not a permit; those are 16 hexadecimal digits")
            let verdict = UInt8(exactly: call.verdict.rawValue)
                .flatMap(Coordination.CallVerdict.init)
            faults.check(
                verdict != nil, "\(path).call.verdict",
                "is \(call.verdict.rawValue); set success, failure or excluded")
            faults.check(
                (0...Self.longestCall).contains(call.durationMicros),
                "\(path).call.duration_micros",
                "is \(call.durationMicros); allowed are 0 to \(Self.longestCall), 366 days")
            if let permit, let verdict, faults.faults.count == before {
                content = .call(permit, verdict, durationNanos: call.durationMicros * 1_000)
            }
        case nil: faults.check(false, "\(path).content", "is required: set call or value")
        }
        guard faults.faults.count == before, let content else { return nil }
        self.init(name: report.name, content: content, place: "\(path).")
    }

    private static let longestCall: Int64 = 366 * 86_400_000_000
}
