import JSON

/// That something is gone, as a person or a program reads it.
enum DeletionReport {
    static func show(_ name: String, _ format: OutputFormat) {
        switch format {
        case .json: printJSON { $0.member("deleted", name) }
        case .table: printVisible("deleted \(name)")
        }
    }
}
