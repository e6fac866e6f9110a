import ArgumentParser

/// What people overrule: for how long, who does it, and where.
struct OverrideOptions: ParsableArguments {
    @Option(name: .customLong("for"), help: "Ends by itself after so many seconds.")
    var seconds: Double?

    @Option(help: "Who does it, for the audit log.")
    var actor = ""

    @OptionGroup var server: ServerOptions

    /// In milliseconds; 0: until somebody ends it.
    var durationMillis: Int64 {
        get throws { try Duration.millis(seconds ?? 0, "--for") }
    }
}
