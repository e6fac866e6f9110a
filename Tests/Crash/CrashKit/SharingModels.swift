/// A key of shared memory. Each value is written once, so that a read names its write.
package enum KeyModel: SequentialModel {
    package struct State: Hashable, Sendable {
        /// `nil`: the key holds nothing.
        var value: Int?
        /// `nil`: nobody has said yet.
        var revision: Int64?
    }

    package enum Input: Sendable {
        case put(Int)
        /// At a revision; 0: only if the key holds nothing.
        case swap(expected: Int64, Int)
        case delete
        case get
    }

    package enum Output: Sendable {
        case written(revision: Int64)
        /// What the key is at instead; 0: it holds nothing.
        case mismatch(actual: Int64)
        case deleted(Bool)
        case read(value: Int, revision: Int64)
        case nothing
    }

    package static let initial = State(value: nil, revision: nil)

    package static func step(_ state: State, _ input: Input, _ output: Output?) -> State? {
        switch (input, output) {
        case (.put(let value), nil): return State(value: value, revision: nil)
        case (.put(let value), .written(let revision)):
            return State(value: value, revision: revision)
        case (.swap(let expected, let value), nil):
            return isAt(expected, state) ? State(value: value, revision: nil) : state
        case (.swap(let expected, let value), .written(let revision)):
            return isAt(expected, state) ? State(value: value, revision: revision) : nil
        case (.swap(let expected, _), .mismatch(let actual)):
            guard actual != expected, isAt(actual, state) else { return nil }
            return actual == 0 ? state : State(value: state.value, revision: actual)
        case (.delete, nil): return State(value: nil, revision: nil)
        case (.delete, .deleted(let wasThere)):
            return wasThere == (state.value != nil) ? State(value: nil, revision: nil) : nil
        case (.get, nil): return state
        case (.get, .nothing): return state.value == nil ? state : nil
        case (.get, .read(let value, let revision)):
            guard state.value == value, isAt(revision, state) else { return nil }
            return State(value: value, revision: revision)
        default: return nil
        }
    }

    private static func isAt(_ revision: Int64, _ state: State) -> Bool {
        if state.value == nil { return revision == 0 }
        return revision != 0 && (state.revision ?? revision) == revision
    }
}

/// An exclusive lock with tokens that grow.
package enum LockModel: SequentialModel {
    package struct State: Hashable, Sendable {
        /// Who holds it; `nil`: nobody.
        var owner: String?
        /// The token of the hold; `nil`: nobody has said yet.
        var token: UInt64?
        /// The greatest token that is known.
        var greatest: UInt64 = 0
    }

    package enum Input: Sendable {
        case acquire(owner: String)
        case release(token: UInt64)
        case renew(token: UInt64)
        /// A write under this token.
        case fencedWrite(token: UInt64)
    }

    package enum Output: Sendable {
        case granted(token: UInt64)
        case busy
        /// Whether it was held.
        case done(Bool)
    }

    package static let initial = State(owner: nil, token: nil)

    package static func step(_ state: State, _ input: Input, _ output: Output?) -> State? {
        switch (input, output) {
        case (.acquire(let owner), nil):
            return state.owner == nil
                ? State(owner: owner, token: nil, greatest: state.greatest) : state
        case (.acquire(let owner), .granted(let token)):
            guard state.owner == nil, token > state.greatest else { return nil }
            return State(owner: owner, token: token, greatest: token)
        case (.acquire, .busy): return state.owner == nil ? nil : state
        case (.release(let token), nil):
            return isHeld(token, state) ? freed(state, token) : state
        case (.release(let token), .done(let wasHeld)):
            guard isHeld(token, state) == wasHeld else { return nil }
            return wasHeld ? freed(state, token) : state
        case (.renew, nil), (.fencedWrite, nil): return state
        case (.renew(let token), .done(let isHeld)), (.fencedWrite(let token), .done(let isHeld)):
            return self.isHeld(token, state) == isHeld ? state : nil
        default: return nil
        }
    }

    private static func isHeld(_ token: UInt64, _ state: State) -> Bool {
        state.owner != nil && state.token == token
    }

    private static func freed(_ state: State, _ token: UInt64) -> State {
        State(owner: nil, token: nil, greatest: max(state.greatest, token))
    }
}
