#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// This program started again as the committing child, with a pipe for what it acknowledges.
struct ChildProcess {
    private let process: pid_t
    private let acknowledgements: Int32

    struct Failure: Error {
        var errno: Int32
    }

    init(directory: String, firstNumber: UInt32) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(errno: errno) }
        // The child must not hold the reading end, nor this process the writing end.
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[1])
        let words = [CommandLine.arguments[0], "--child", directory, "\(firstNumber)"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let outcome = posix_spawn(&process, words[0], &actions, nil, &arguments, environ)
        close(ends[1])
        guard outcome == 0 else { throw Failure(errno: outcome) }
        self.process = process
        acknowledgements = ends[0]
    }

    /// Reads acknowledged numbers until `count` are there or the child is gone.
    func read(upTo count: Int) -> [UInt32] {
        var numbers: [UInt32] = []
        while numbers.count < count, let number = readNumber() { numbers.append(number) }
        return numbers
    }

    private func readNumber() -> UInt32? {
        var number: UInt32 = 0
        // Writes of four bytes are whole, so reads of four are too.
        return readBytes(acknowledgements, &number, 4) == 4 ? UInt32(littleEndian: number) : nil
    }

    /// Kills the child with SIGKILL and waits for its end.
    ///
    /// - Returns: what it had still acknowledged; `nil` when it had ended before by itself.
    func kill() -> [UInt32]? {
        sendKill(process)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        let rest = read(upTo: .max)
        close(acknowledgements)
        // wait(2): the low seven bits are the signal that ended the process.
        return status & 0x7f == SIGKILL ? rest : nil
    }
}

// The C functions, whose names the methods above hide.
private func readBytes(_ file: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(file, bytes, count)
}

private func sendKill(_ process: pid_t) {
    kill(process, SIGKILL)
}
