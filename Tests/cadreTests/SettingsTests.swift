import ArgumentParser
import Foundation
import Testing

@testable import cadre

struct SettingsTests {
    private func file(_ text: String) throws -> String {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("cadre-settings-\(UUID().uuidString).yaml")
        try text.write(to: url, atomically: true, encoding: .utf8)
        return url.path
    }

    private func fault(
        file: String? = nil, environment: [String: String] = [:], flags: [(String, String)] = []
    ) -> String? {
        do throws(Settings.Fault) {
            _ = try Settings.read(file: file, environment: environment, flags: flags)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `without anything said the defaults hold`() throws {
        let settings = try Settings.read(file: nil, environment: [:], flags: [])
        #expect(settings.grpcPort == 50_051 && settings.consolePort == 9_464)
        #expect(settings.host == "127.0.0.1" && settings.market == "simulator")
    }

    @Test(
        arguments: [
            ("1h", 3_600_000), ("36h", 129_600_000), ("7d", 604_800_000),
            ("36500d", 3_153_600_000_000),
            ("forever", nil),
        ] as [(String, Int64?)])
    func `retention is hours, days or for ever`(_ text: String, _ millis: Int64?) throws {
        let settings = try Settings.read(
            file: nil, environment: [:], flags: [("retention", text)])
        #expect(try settings.retentionMillis() == millis)
    }

    @Test(arguments: ["", "7", "d", "0d", "-1h", "36501d", "1.5d", "7 d", "7w", "ever"])
    func `another retention is refused by name`(_ text: String) {
        #expect(fault(flags: [("retention", text)])?.contains("retention is") == true)
    }

    @Test func `a flag wins over the environment, that over the file`() throws {
        let file = try file("grpc-port: 1\nconsole-port: 2\ndata: from-file\n")
        let settings = try Settings.read(
            file: file, environment: ["CADRE_GRPC_PORT": "3", "CADRE_CONSOLE_PORT": "4"],
            flags: [("grpc-port", "5")])
        #expect(settings.grpcPort == 5)
        #expect(settings.consolePort == 4)
        #expect(settings.data == "from-file")
    }

    @Test(arguments: [
        ("grpc-port", "70000"), ("grpc-port", "no"), ("loops", "0"), ("grace", "-1"),
        ("log", "loud"), ("echo", "perhaps"), ("data", ""),
    ])
    func `a wrong value is refused with what would be right`(key: String, value: String) {
        let fault = fault(flags: [(key, value)])
        #expect(fault?.contains(key) == true, "\(fault ?? "it was taken")")
    }

    @Test(arguments: [
        ("log", "loud"), ("retention", "5"), ("now", "yes"), ("pools", "nope=1..2..3"),
        ("market", "foo"), ("market", "simulator:x"), ("grpc-port", "x"), ("with-echo", "perhaps"),
    ])
    func `a wrong value is said to be from where it is`(key: String, value: String) throws {
        let variable =
            "CADRE_"
            + (key == "with-echo" ? "ECHO" : key.uppercased())
            .replacing("-", with: "_")
        let file = try file("\(key): \(value)\n")
        #expect(fault(environment: [variable: value])?.hasPrefix("\(variable): ") == true)
        #expect(fault(file: file)?.hasPrefix("\(file): ") == true)
        #expect(fault(flags: [(key, value)])?.hasPrefix("--\(key): ") == true)
        let others = [fault(environment: [variable: value]), fault(file: file)]
        #expect(others.allSatisfy { $0?.contains("--\(key):") == false }, "\(others)")
    }

    @Test(arguments: Settings.keys)
    func `a flag that is empty is refused by name`(key: String) {
        #expect(fault(flags: [(key, "")])?.hasPrefix("--\(key) is empty") == true)
    }

    @Test func `an empty name of a file is refused`() throws {
        let options = try SettingsOptions.parse(["--config", ""])
        let fault = #expect(throws: Settings.Fault.self) { try options.settings() }
        #expect(fault?.description.hasPrefix("--config is empty") == true)
    }

    @Test(arguments: [("on", true), ("off", false), ("yes", true), ("FALSE", false)])
    func `a switch is on or off in the words of YAML`(word: String, value: Bool) throws {
        let settings = try Settings.read(
            file: nil, environment: ["CADRE_ECHO": word], flags: [])
        #expect(settings.withEcho == value)
    }

    @Test func `an unknown setting in the file names the known ones`() throws {
        let fault = fault(file: try file("grcp-port: 1\n"))
        #expect(fault?.contains("grcp-port") == true && fault?.contains("grpc-port") == true)
    }

    @Test(arguments: ["- a\n- b\n", "grpc-port: [1, 2]\n", "a: 'b\n"])
    func `a file that is no mapping of plain values is refused`(text: String) throws {
        #expect(fault(file: try file(text)) != nil)
    }

    @Test func `an empty file says nothing`() throws {
        #expect(fault(file: try file("")) == nil)
    }

    @Test func `a file that is not there is refused by name`() {
        #expect(fault(file: "no-such-file.yaml")?.contains("no-such-file.yaml") == true)
    }

    @Test func `what is empty or null is the default`() throws {
        let file = try file("now:\ndata: ~\nmarket: null\nhost:\ngrpc-port:\n")
        let settings = try Settings.read(
            file: file, environment: ["CADRE_NOW": "", "CADRE_POOLS": ""], flags: [])
        #expect(settings == Settings())
        let quoted = try Settings.read(
            file: try self.file("data: '~'\n"), environment: [:], flags: [])
        #expect(quoted.data == "~")
    }

    @Test(arguments: Settings.keys + ["with-echo"])
    func `every setting that is empty in the environment or the file is left out`(key: String)
        throws
    {
        let variable = "CADRE_" + key.uppercased().replacing("-", with: "_")
        let empty = try Settings.read(file: nil, environment: [variable: ""], flags: [])
        #expect(empty == Settings())
        let quoted = try Settings.read(
            file: try file("\(key): \"\"\n"), environment: [:], flags: [])
        #expect(quoted == Settings())
    }

    @Test func `an empty variable leaves the file in force`() throws {
        let settings = try Settings.read(
            file: try file("grpc-port: 7\n"), environment: ["CADRE_GRPC_PORT": ""], flags: [])
        #expect(settings.grpcPort == 7)
        #expect(["CADRE_CONFIG": ""].filled("CADRE_CONFIG") == nil)
    }

    @Test func `the file takes the names of the flags`() throws {
        let settings = try Settings.read(
            file: try file("with-echo: true\n"), environment: [:], flags: [])
        #expect(settings.withEcho)
    }

    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("[::1]", "[::1]:80"),
        ("a.example", "a.example:80"),
    ])
    func `an address is shown as a URL has it`(host: String, shown: String) throws {
        let settings = try Settings.read(file: nil, environment: [:], flags: [("host", host)])
        #expect(settings.authority(port: 80) == shown)
        #expect(!settings.host.contains("["))
    }

    @Test func `a market's password is refused before anything is shown`() {
        let fault = fault(environment: ["CADRE_MARKET": "http://bob:hunter2@host"])
        #expect(fault?.contains("no password") == true && fault?.contains("hunter2") == false)
    }

    @Test func `the two ports must differ, unless the system chooses both`() {
        #expect(fault(flags: [("grpc-port", "9464")]) != nil)
        #expect(fault(flags: [("grpc-port", "0"), ("console-port", "0")]) == nil)
    }

    @Test func `every setting has a name that can be set`() throws {
        for (name, value) in Settings().effective where !(name == "now") {
            var settings = Settings()
            #expect(throws: Never.self) { try settings.set(name, to: value, from: "test") }
            #expect(settings == Settings())
        }
    }
}
