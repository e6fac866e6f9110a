import Coordination
import Engine
import GRPC

/// Validation names the parts of a definition as a definition file does; a caller knows them by the
/// names of the proto's fields, below the request's `definition`.
enum DefinitionFieldNames {
    /// The proto's name of a part, such as `definition.steps[0].input_template` for `steps[0].input`.
    static func inRequest(_ part: String) -> String {
        if part == "definition" { return part }
        let place = part.lastIndex(of: ".").map { part.index(after: $0) } ?? part.startIndex
        let leaf = String(part[place...])
        return "definition." + part[..<place] + (renamed[leaf] ?? leaf)
    }

    private static let renamed = ["input": "input_template", "result": "result_template"]
}

extension Answer {
    /// The status of a refused definition, its fields named as in the request, in the message too.
    var refusalOfDefinition: GRPCStatus {
        guard case .rejected(let rejection) = self, !rejection.fields.isEmpty else {
            return refusal
        }
        let faults = rejection.fields.map {
            FieldFault(
                field: DefinitionFieldNames.inRequest($0.field), description: $0.description)
        }
        return Rejection.badDefinition(faults).status
    }
}
