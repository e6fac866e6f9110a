/// Names one session of a remote instance. Known to its worker only, and guessed by nobody: whoever
/// names it may resume it. Written as 32 lower-case hexadecimal digits.
public struct SessionID: Sendable, Hashable, CustomStringConvertible {
    /// Grows with every session, also over restarts.
    public let serial: Serial
    /// Drawn by chance.
    public let secret: UInt64

    /// Combines the parts.
    public init(serial: Serial, secret: UInt64) {
        self.serial = serial
        self.secret = secret
    }

    /// Reads the 32-digit form; `nil` when `text` is anything else.
    public init?(_ text: String) {
        guard text.utf8.count == 32, text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }),
            let serial = UInt64(text.prefix(16), radix: 16),
            let secret = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(serial: Serial(rawValue: serial), secret: secret)
    }

    public var description: String { Self.digits(serial.rawValue) + Self.digits(secret) }

    private static func digits(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// The session of one remote instance: its lease, the connection that serves it, the credits it
/// has given, and what it holds.
///
/// Everything the worker says extends the lease. A connection that drops takes its credits along
/// but leaves the assignments: until the lease ends the worker may come back on another connection
/// and say which of them it still holds. Silence is told from work by nothing but the lease, so a
/// half-open connection ends like a dead one.
///
/// Invariants: never more assignments are sent on a connection than the credits it has brought;
/// what was sent is held until it is settled, given up by the worker, or the session ends.
public struct AgentSession: Sendable {
    /// What the worker names to come back.
    public let id: SessionID
    /// How long the worker may be silent.
    public let leaseNanos: Int64
    /// The connection that serves it; `nil`: it dropped, and the lease runs.
    public private(set) var connection: Int?
    /// Assignments that may still be sent on the connection; none once it drains.
    public private(set) var credits = 0
    /// The most assignments at once that its credits have left room for so far: those that may be sent,
    /// or those that were given one and have not ended.
    public private(set) var room = 0
    private var working = 0
    private var isDraining = false
    /// What was sent and is not settled.
    public private(set) var held: Set<AssignmentToken> = []
    /// When the lease ends, unless something is heard before.
    public private(set) var expiresAtNanos: Int64

    /// The most credits that count; more are as good as these.
    public static let maxCredits = 65_536

    /// A session that begins now, without credits.
    public init(id: SessionID, leaseNanos: Int64, connection: Int, at now: Int64) {
        self.id = id
        self.leaseNanos = leaseNanos
        self.connection = connection
        expiresAtNanos = now &+ leaseNanos
    }

    /// Whether a connection serves it now.
    public var isConnected: Bool { connection != nil }

    /// Whether the worker has been silent for the whole lease.
    public func isExpired(at now: Int64) -> Bool { expiresAtNanos <= now }

    // MARK: What the worker says

    /// Something came from the worker: the lease begins anew.
    public mutating func heard(at now: Int64) {
        expiresAtNanos = max(expiresAtNanos, now &+ leaseNanos)
    }

    /// The worker takes so many more.
    public mutating func creditsGiven(_ count: Int) {
        guard isConnected, !isDraining, count > 0 else { return }
        credits = min(Self.maxCredits, credits + min(count, Self.maxCredits))
        room = max(room, credits)
    }

    /// The worker is back on a new connection and names what it still holds.
    ///
    /// - Returns: what it was sent but does not name, so that it is lost; and what it names but was
    ///   not sent by this session.
    public mutating func resumed(
        connection: Int, holding tokens: [AssignmentToken], at now: Int64
    ) -> (lost: [AssignmentToken], unknown: [AssignmentToken]) {
        self.connection = connection
        credits = 0
        heard(at: now)
        let named = Set(tokens)
        let lost = held.subtracting(named).sorted()
        let unknown = named.subtracting(held).sorted()
        held.formIntersection(named)
        return (lost, unknown)
    }

    // MARK: What happens to it

    /// Nothing new is sent any more: what credits there are, and those that come, are void.
    public mutating func drains() {
        isDraining = true
        credits = 0
    }

    /// A connection is gone; one that no longer serves the session changes nothing.
    ///
    /// - Returns: whether it was the one that serves it.
    public mutating func dropped(connection: Int) -> Bool {
        guard self.connection == connection else { return false }
        self.connection = nil
        credits = 0
        return true
    }

    /// A credit is set aside for work that is about to be sent.
    public mutating func creditTaken() {
        precondition(isConnected && credits > 0, "a session was given more than its credits")
        credits -= 1
        workBegan()
    }

    private mutating func workBegan() {
        working += 1
        room = max(room, min(working, Self.maxCredits))
    }

    /// What was given a credit, or claimed, has ended in whatever way.
    public mutating func workEnded() {
        working -= 1
        precondition(working >= 0, "an assignment of a session ended twice")
    }

    /// Work for which a credit was set aside on `connection` will not be sent.
    public mutating func creditReturned(from connection: Int) {
        if self.connection == connection { creditsGiven(1) }
    }

    /// An assignment goes to the worker.
    public mutating func sent(_ token: AssignmentToken) { held.insert(token) }

    /// The worker was sent this by an earlier process and still holds it.
    public mutating func claimed(_ token: AssignmentToken) {
        held.insert(token)
        workBegan()
    }

    /// An assignment has its result, or nobody waits for it any more.
    public mutating func settled(_ token: AssignmentToken) { held.remove(token) }
}
