/// All entries of a list that comes in pages.
///
/// - Parameter page: asks for the page behind a token, empty for the first; gives its entries and
///   the token of the next one, empty when it is the last.
func allPages<Entry>(
    _ page: (_ token: String) async throws -> (entries: [Entry], next: String)
) async throws -> [Entry] {
    var all: [Entry] = []
    var token = ""
    repeat {
        let found = try await page(token)
        all += found.entries
        token = found.next
    } while !token.isEmpty
    return all
}
