/// What a payload is made for: it bounds its size, for what agents are sent and callers receive.
public enum PayloadPurpose: Sendable, Hashable {
    /// The input of a step.
    case stepInput
    /// The result of a run.
    case runResult

    /// The longest payload: 2 MiB, as for inputs and outputs that come from outside. A gRPC client
    /// takes no answer over 4 MiB unless it is told to.
    public var maxBytes: Int { 2 << 20 }

    /// The failure of a payload that would be longer.
    var tooLarge: StepFailure {
        switch self {
        case .stepInput:
            StepFailure(
                type: "input_too_large",
                message: "the step's input would have more than \(maxBytes) bytes; refer to less, "
                    + "or hand on references to where the data is", retryable: false)
        case .runResult:
            StepFailure(
                type: "result_too_large",
                message: "the run's result would have more than \(maxBytes) bytes; give the "
                    + "definition a result template that refers to less", retryable: false)
        }
    }
}
