import Coordination
import Store

extension EngineHost {
    /// A page of stored publications; committed ones only.
    ///
    /// The store may still hold what was removed: ask the engine (`.check`) afterwards.
    public func publications(
        _ range: PublicationRange,
        completion: @escaping @Sendable (Result<PublicationPage, Rejection>) -> Void
    ) {
        store.query(.publications(range)) { result in
            switch result {
            case .failure(let error): completion(.failure(.unreadable(error)))
            case .success(.publications(let page)): completion(.success(page))
            case .success: completion(.success(PublicationPage(scannedThrough: range.through)))
            }
        }
    }
}
