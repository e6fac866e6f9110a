/// Why a store could not do what was asked.
public struct StoreError: Error, Sendable, Hashable {
    /// What a caller can tell apart.
    public enum Code: Sendable, Hashable {
        /// Another process holds the data directory.
        case locked
        /// A newer server wrote the store.
        case newerVersion
        /// The directory or the file cannot be written.
        case notWritable
        /// The disk is full.
        case full
        /// The file is damaged.
        case corrupt
        /// The store is closed.
        case unavailable
        /// Too many reads wait; repeat later.
        case overloaded
        /// This store has no such thing.
        case unsupported
        /// Anything else the database said.
        case failed
    }

    /// What a caller acts on.
    public var code: Code
    /// What happened and what to do.
    public var message: String

    /// Describes a failure.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
