/// A gate that opens once and stays open: how one thread tells others "it is over" or "go on".
///
/// Any thread may open it or look; only threads of our own may wait.
public final class Latch: Sendable {
    private let isOpened = Monitor(false)

    /// A closed latch.
    public init() {}

    /// Whether it was opened. Once true, always true.
    public var isOpen: Bool { isOpened.withLock { $0 } }

    /// Opens the latch and wakes all who wait. Opening again does nothing.
    public func open() {
        isOpened.withLock { $0 = true }
        isOpened.broadcast()
    }

    /// Waits until the latch is open or `timeout` has passed (monotonic clock; `nil`: no limit).
    ///
    /// - Returns: whether the latch is open.
    @discardableResult
    public func wait(timeout: Duration? = nil) -> Bool {
        isOpened.wait(timeout: timeout, until: { $0 }, then: { $0 })
    }
}
