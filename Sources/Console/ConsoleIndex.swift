extension ConsoleRoute {
    /// The page at `/`: what else there is.
    static func index(of routes: [ConsoleRoute]) -> ConsoleRoute {
        let rows = routes.map { route in
            "<li><a href=\"\(escaped(route.path))\">\(escaped(route.path))</a> "
                + "\(escaped(route.summary))</li>\n"
        }
        let page = """
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>Cadre console</title></head>
            <body>
            <h1>Cadre console</h1>
            <ul>
            \(rows.joined())</ul>
            </body>
            </html>

            """
        let response = ConsoleResponse(
            contentType: "text/html; charset=utf-8", body: Array(page.utf8))
        return ConsoleRoute(path: "/", summary: "this page") { _ in response }
    }
}

/// The five characters that HTML reads otherwise.
private func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
        switch character {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        default: result.append(character)
        }
    }
    return result
}
