import Coordination
import Engine

/// What a stream of a subscription may send: as the engine orders, and as far as its reader has
/// acknowledged. Confined to its loop.
struct DurableFlow {
    let name: SubscriptionName
    /// Publications that may be out.
    let window: Int
    /// The number of the engine's order to go on; 0: none has come.
    private(set) var number: UInt32 = 0
    private var isHeld = true
    /// What is out, ascending, from `head` on.
    private var out: [Int64] = []
    private var head = 0
    private var failing: Int64 = 0
    private var failures = 0

    init(name: SubscriptionName, window: Int) {
        self.name = name
        self.window = window
    }

    /// How many more may go out.
    var room: Int { isHeld ? 0 : max(0, window - (out.count - head)) }

    /// Whether it goes on, full or not.
    var goesOn: Bool { !isHeld }

    /// Nothing more goes out.
    mutating func hold() {
        isHeld = true
        number = 0
    }

    /// It goes on, under a new number.
    mutating func resume(_ number: UInt32, failing: Int64, failures: Int) {
        isHeld = false
        self.number = number
        self.failing = failing
        self.failures = failures
        out = []
        head = 0
    }

    /// Everything up to here is done.
    mutating func acknowledged(_ sequence: Int64) {
        while head < out.count, out[head] <= sequence { head += 1 }
        if head > 256, head * 2 > out.count {
            out.removeFirst(head)
            head = 0
        }
    }

    /// These went out.
    mutating func sent(_ sequences: [Int64]) { out += sequences }

    /// The attempt that a publication is in, from 1.
    func attempt(of sequence: Int64) -> Int { sequence == failing ? failures + 1 : 1 }
}
