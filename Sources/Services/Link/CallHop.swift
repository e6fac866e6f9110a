import NIOCore
import Stubs

extension TypedServerCall {
    /// A callback that any thread may call and that goes on with `body` on the call's loop. Must be
    /// made on that loop.
    func hop<Value: Sendable>(
        _ body: @escaping (Value) -> Void
    ) -> @Sendable (Value) -> Void {
        let loop = eventLoop
        let parked = NIOLoopBound(body, eventLoop: loop)
        return { value in loop.execute { parked.value(value) } }
    }
}
