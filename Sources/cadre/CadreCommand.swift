import ArgumentParser

/// The one binary: the server, its demonstration, and a client for people and scripts.
@main
struct CadreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cadre",
        abstract: "Coordinates a fleet of agents: durable workflows, agent calls, one binary.",
        discussion: """
            Start with `cadre demo`: it runs a workflow on a simulated exchange, offline.

            Exit codes: 0 done, 1 what was asked failed or the server refused it, 64 wrong usage, \
            65 a file's content is wrong, 66 a file cannot be read, 69 the server cannot be reached or was lost, 73 a file exists \
            or cannot be made, 74 what was to be written could not be (for a server: its store), \
            78 a setting is wrong or the server could not start, 130 Ctrl-C, 141 nobody reads the \
            output.
            Shell completion: `cadre --generate-completion-script zsh` (or bash, fish).
            """,
        version: CadreVersion.current,
        subcommands: [
            ServeCommand.self, DemoCommand.self, WorkflowCommand.self, ScheduleCommand.self,
            AgentCommand.self, BallotCommand.self, BatchCommand.self, BreakerCommand.self,
            EventsCommand.self, ModeCommand.self, MemoryCommand.self, LockCommand.self,
            CacheCommand.self, AdminCommand.self, MonitorCommand.self, TopCommand.self,
            InfoCommand.self,
        ])
}

/// The version that the server reports and `--version` prints.
enum CadreVersion {
    static let current = "0.1.0"
}
