/// Makes the structure that has one a structure that is handed on in place.
///
/// A large structure whose size is known is moved to the stack before a call that only reads it and
/// gives back something large: thousands of bytes for one look at a field. What an existential holds
/// is not known before it runs, so that such a structure is reached by its address alone. For the few
/// structures that are large, never copied and read in every call: without it an Invoke moved the
/// engine's 7 KB four times, and every command of a run, a key or a lock about as often.
public struct InPlace: Sendable {
    private let nothing: any Sendable = ()

    /// Costs 40 bytes.
    public init() {}
}
