import Foundation

/// Why the system refused to read or write, as its manual says it.
enum SystemReason {
    /// The error number behind an error of Foundation's; `nil` when there is none.
    static func number(of error: any Error) -> Int32? {
        let cause = cause(of: error)
        return cause.domain == NSPOSIXErrorDomain ? Int32(clamping: cause.code) : nil
    }

    /// `No space left on device` and its like.
    static func text(of error: any Error) -> String {
        let cause = cause(of: error)
        return cause.localizedFailureReason ?? cause.localizedDescription
    }

    private static func cause(of error: any Error) -> NSError {
        let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
        return (cause ?? error) as NSError
    }
}
