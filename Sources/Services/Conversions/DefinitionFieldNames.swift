import Coordination
import Engine
import GRPC

/// Validation names the parts of a definition as Coordination does; a caller knows them by the names
/// of the proto's fields, below the request's `definition`.
enum DefinitionFieldNames {
    /// The proto's name of a part, such as `definition.steps[0].input_template` for `steps[0].input`.
    static func inRequest(_ part: String) -> String {
        if part == "definition" { return part }
        let place = part.lastIndex(of: ".").map { part.index(after: $0) } ?? part.startIndex
        let leaf = String(part[place...])
        return "definition." + part[..<place] + (renamed[leaf] ?? leaf)
    }

    private static let renamed: [String: String] = {
        let times = [
            "run_timeout", "schedule_to_start", "start_to_close", "schedule_to_close", "heartbeat",
            "initial", "max", "per",
        ]
        let names = ["input": "input_template", "result": "result_template"]
        return times.reduce(into: names) { $0[$1] = "\($1)_millis" }
    }()
}

extension Answer {
    /// The status of a refused definition, its fields named as in the request.
    var refusalOfDefinition: GRPCStatus {
        guard case .rejected(var rejection) = self else { return refusal }
        rejection.fields = rejection.fields.map {
            FieldFault(
                field: DefinitionFieldNames.inRequest($0.field), description: $0.description)
        }
        return rejection.status
    }
}
