/// Deadlines of many calls, most of which end long before: a hashed timing wheel.
///
/// Arming and cancelling are O(1) and allocate nothing once warm. One tick is 2^20 ns (1.05 ms);
/// deadlines are rounded up to it, so none fires early. 4,096 buckets make a turn of 4.3 s; a
/// later deadline stays in its bucket for several turns.
struct DeadlineWheel<Payload> {
    /// Names an armed deadline until it is cancelled or has expired.
    typealias Token = Int32

    private struct Node {
        var payload: Payload?
        var tick: UInt64 = 0
        var next: Int32 = -1
        var previous: Int32 = -1
    }

    private static var shift: UInt64 { 20 }
    private static var bucketCount: UInt64 { 4_096 }

    private var nodes: [Node] = []
    private var freeNodes: [Int32] = []
    private var heads = [Int32](repeating: -1, count: 4_096)
    /// One bit per bucket that has nodes.
    private var occupied = [UInt64](repeating: 0, count: 64)
    private var currentTick: UInt64
    /// How many deadlines are armed.
    private(set) var count = 0

    /// A wheel that stands at `now` (monotonic nanoseconds).
    init(now: UInt64) {
        currentTick = now >> Self.shift
    }

    /// Arms a deadline; one that has passed expires on the next tick.
    mutating func arm(_ deadline: UInt64, _ payload: Payload) -> Token {
        let roundedUp = (deadline >> Self.shift) + 1
        let tick = max(roundedUp, currentTick + 1)
        let token = freeNodes.popLast() ?? appendNode()
        let bucket = Int(tick % Self.bucketCount)
        let head = heads[bucket]
        nodes[Int(token)] = Node(payload: payload, tick: tick, next: head, previous: -1)
        if head >= 0 { nodes[Int(head)].previous = token }
        heads[bucket] = token
        occupied[bucket / 64] |= 1 << UInt64(bucket % 64)
        count += 1
        return token
    }

    /// Forgets a deadline that is still armed.
    mutating func cancel(_ token: Token) {
        let node = nodes[Int(token)]
        precondition(node.payload != nil, "deadline \(token) is not armed")
        let bucket = Int(node.tick % Self.bucketCount)
        if node.previous >= 0 {
            nodes[Int(node.previous)].next = node.next
        } else {
            heads[bucket] = node.next
            if node.next < 0 { occupied[bucket / 64] &= ~(1 << UInt64(bucket % 64)) }
        }
        if node.next >= 0 { nodes[Int(node.next)].previous = node.previous }
        nodes[Int(token)] = Node()
        freeNodes.append(token)
        count -= 1
    }

    /// Moves on to `now` and gives out what has expired; their tokens are void.
    mutating func expire(now: UInt64) -> [Payload] {
        let nowTick = now >> Self.shift
        guard nowTick > currentTick else { return [] }
        var expired: [Payload] = []
        let steps = min(nowTick - currentTick, Self.bucketCount)
        for step in 1...steps {
            let bucket = Int((currentTick + step) % Self.bucketCount)
            if occupied[bucket / 64] & 1 << UInt64(bucket % 64) != 0 {
                expireBucket(bucket, nowTick, &expired)
            }
        }
        currentTick = nowTick
        return expired
    }

    /// When `expire` should be called next, in monotonic nanoseconds; nil when nothing is armed.
    /// It may be too early for a deadline of a later turn, never too late.
    var nextWake: UInt64? {
        guard count > 0 else { return nil }
        for step in 1...Self.bucketCount {
            let bucket = Int((currentTick + step) % Self.bucketCount)
            if occupied[bucket / 64] & 1 << UInt64(bucket % 64) != 0 {
                return (currentTick + step) << Self.shift
            }
        }
        return nil
    }

    private mutating func expireBucket(
        _ bucket: Int, _ nowTick: UInt64, _ expired: inout [Payload]
    ) {
        var token = heads[bucket]
        while token >= 0 {
            let node = nodes[Int(token)]
            if node.tick <= nowTick, let payload = node.payload {
                expired.append(payload)
                cancel(token)
            }
            token = node.next
        }
    }

    private mutating func appendNode() -> Int32 {
        nodes.append(Node())
        return Int32(nodes.count - 1)
    }
}
