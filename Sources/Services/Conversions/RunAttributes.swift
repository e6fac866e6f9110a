import Coordination
import Messages

extension Coordination.RunAttribute {
    /// `nil` when it has no value.
    init?(_ message: Messages.RunAttribute) {
        switch message.value {
        case .text(let text): self.init(name: message.name, value: .text(text))
        case .number(let number): self.init(name: message.name, value: .number(number))
        case .flag(let flag): self.init(name: message.name, value: .flag(flag))
        case nil: return nil
        }
    }
}

extension Messages.RunAttribute {
    init(_ attribute: Coordination.RunAttribute) {
        self.init()
        name = attribute.name
        switch attribute.value {
        case .text(let text): value = .text(text)
        case .number(let number): value = .number(number)
        case .flag(let flag): value = .flag(flag)
        }
    }
}

extension FieldFaults {
    /// Notes everything that is wrong with a run's attributes.
    mutating func checkAttributes(_ messages: [Messages.RunAttribute]) {
        let attributes = messages.compactMap(Coordination.RunAttribute.init)
        if attributes.count < messages.count {
            for (index, message) in messages.enumerated() where message.value == nil {
                check(false, "attributes[\(index)]", "has no value; give text, number or flag")
                return
            }
        }
        for fault in Coordination.RunAttribute.faults(attributes) {
            check(false, fault.field, fault.description)
        }
    }
}
