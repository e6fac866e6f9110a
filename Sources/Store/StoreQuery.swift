import Coordination

/// A read of committed state. A limit below 1 gives nothing; the caller chooses one that its
/// answer can hold.
public enum StoreQuery: Sendable {
    /// One run by its id.
    case run(RunID)
    /// The newest run of a workflow id.
    case latestRun(namespace: String, workflowID: String)
    /// Runs of a namespace, newest first; `before` is the last run of the page before.
    case runs(namespace: String, definition: String?, openOnly: Bool, before: RunID?, limit: Int)
    /// Rows of a run that hold events from `fromSequence` on, in order. The first row may begin
    /// with earlier events.
    case history(run: RunID, fromSequence: Int64, limit: Int)
    /// Entities of a kind and namespace by ascending key (compared as UTF-8); `after` is the last
    /// key of the page before, `nil` for the first page.
    case entities(kind: EntityKind, namespace: String, after: String?, limit: Int)
    /// Lines of the audit log, newest first; `before` is the last number of the page before.
    /// `nil` for namespace or subject: any.
    case audit(namespace: String?, subject: String?, before: Int64?, limit: Int)
    /// Shared memory.
    case memory(MemoryQuery)
    /// A page of publications by ascending sequence.
    case publications(PublicationRange)
    /// Marks of the publications of a namespace by ascending sequence, behind `after`.
    case publicationMarks(namespace: String, after: Int64, limit: Int)
}

/// The answer to a ``StoreQuery``.
public enum StoreAnswer: Sendable {
    /// To `.run` and `.latestRun`; `nil` when there is none.
    case run(RunRow?)
    /// To `.runs`.
    case runs([RunRow])
    /// To `.history`.
    case history([HistoryRow])
    /// To `.entities`.
    case entities([EntityRow])
    /// To `.audit`.
    case audit([AuditRow])
    /// To `.memory`.
    case memory(MemoryPage)
    /// To `.publications`.
    case publications(PublicationPage)
    /// To `.publicationMarks`.
    case publicationMarks([PublicationMark])
}
