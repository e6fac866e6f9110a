import Coordination
import Engine
import GRPC
import Messages

extension Coordination.ModeBehavior {
    init(_ message: Messages.ModeBehavior) {
        self.init(
            normal: StepBehavior(message.normal), degraded: StepBehavior(message.degraded),
            emergency: StepBehavior(message.emergency))
    }
}

extension Coordination.StepBehavior {
    /// Values that this server does not know are refused before; see ``unknownChoices(of:)``.
    init(_ message: Messages.StepBehavior) {
        switch message {
        case .unspecified, .run, .unrecognized: self = .run
        case .hold: self = .hold
        case .cached: self = .cached
        case .skip: self = .skip
        case .refuse: self = .refuse
        }
    }
}

extension Messages.ModeBehavior {
    /// Unset when the step runs in every mode.
    init?(_ modes: Coordination.ModeBehavior) {
        if modes == .run { return nil }
        self.init()
        normal = Messages.StepBehavior(modes.normal)
        degraded = Messages.StepBehavior(modes.degraded)
        emergency = Messages.StepBehavior(modes.emergency)
    }
}

extension Messages.StepBehavior {
    init(_ behavior: Coordination.StepBehavior) {
        switch behavior {
        case .run: self = .run
        case .hold: self = .hold
        case .cached: self = .cached
        case .skip: self = .skip
        case .refuse: self = .refuse
        }
    }
}

extension Messages.WorkflowDefinition {
    /// Choices by a number that this server does not know: a newer client's, which must not become
    /// something else in silence.
    var unknownChoices: FieldFaults {
        var faults = FieldFaults()
        for (index, step) in steps.enumerated() {
            let field = "definition.steps[\(index)]"
            if case .unrecognized(let value) = step.onExhausted {
                faults.unknown("\(field).on_exhausted", value)
            }
            faults.checkKind(step.kind, field)
            guard let modes = step.modes else { continue }
            let all = [
                ("normal", modes.normal), ("degraded", modes.degraded),
                ("emergency", modes.emergency),
            ]
            for (name, behavior) in all {
                guard case .unrecognized(let value) = behavior else { continue }
                faults.unknown("\(field).modes.\(name)", value)
            }
        }
        return faults
    }
}

extension FieldFaults {
    fileprivate mutating func checkKind(_ kind: Messages.StepDefinition.Kind?, _ field: String) {
        switch kind {
        case .child(let child):
            if case .unrecognized(let value) = child.onParentClose {
                unknown("\(field).child.on_parent_close", value)
            }
        case .approval(let approval):
            if case .unrecognized(let value) = approval.defaultDecision {
                unknown("\(field).approval.default_decision", value)
            }
        case .continueAsNew(let next):
            if case .unrecognized(let value) = next.version {
                unknown("\(field).continue_as_new.version", value)
            }
        case .ballot(let ballot):
            _ = BallotSpec(ballot.voters, ballot.rules, "\(field).ballot.", &self)
        case .wait, .publish, .fanOut, nil: break
        }
    }

    fileprivate mutating func unknown(_ field: String, _ value: Int32) {
        check(false, field, "is \(value), which this server does not know")
    }
}
