import Coordination
import Testing

@Suite struct PayloadRecipeTests {
    private let id = PayloadID(serial: Serial(rawValue: 1))

    private func payload(_ bytes: Int) -> Payload {
        Payload(bytes: [0x22] + [UInt8](repeating: 0x61, count: bytes - 2) + [0x22])
    }

    private func template(_ text: String) throws -> PayloadRecipe {
        .template(try InputTemplate.parse(text).get(), input: id, outputs: [:])
    }

    @Test(arguments: [
        (PayloadPurpose.stepInput, "input_too_large"), (.runResult, "result_too_large"),
    ])
    func `what would be larger than 2 MiB is not made`(
        purpose: PayloadPurpose, type: String
    ) throws {
        let twice = try template(#"["${input}","${input}"]"#)
        let half = [id: payload((1 << 20) - 2)]
        #expect(throws: Never.self) { try twice.render(half, for: purpose).get() }
        let more = [id: payload(1 << 20)]
        let failure = #expect(throws: StepFailure.self) {
            try twice.render(more, for: purpose).get()
        }
        #expect(failure?.type == type)
        #expect(failure?.retryable == false)
        let collected = PayloadRecipe.collected(
            ["a", "b"].map { PayloadRecipe.Collected(step: $0, output: id) })
        #expect(throws: Never.self) {
            try collected.render([id: payload((1 << 20) - 6)], for: purpose).get()
        }
        let other = #expect(throws: StepFailure.self) {
            try collected.render(more, for: purpose).get()
        }
        #expect(other?.type == type)
    }

    @Test func `every reference counts its whole source as work`() throws {
        let recipe = try template(#"["${input}","${input.a}","${input}"]"#)
        #expect(recipe.workBytes([id: payload(1_000)]) == 3_036)
        #expect(PayloadRecipe.whole(id).workBytes([id: payload(1_000)]) == 0)
    }
}
