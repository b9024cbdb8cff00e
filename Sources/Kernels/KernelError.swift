/// The reasons no kernel row can be chosen.
package enum KernelError: Error, Equatable, Sendable {
    /// `DC_ISA` names no row.
    case unknownInstructionSet(String, known: [String])
    /// `DC_ISA` names a row that this CPU cannot run.
    case unsupportedInstructionSet(String, supported: [String])
}

extension KernelError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownInstructionSet(let name, let known):
            "DC_ISA is '\(name)', which is no instruction set known here: "
                + "unset it or choose one of \(known.joined(separator: ", "))"
        case .unsupportedInstructionSet(let name, let supported):
            "DC_ISA asks for '\(name)', which this CPU lacks: "
                + "unset it or choose one of \(supported.joined(separator: ", "))"
        }
    }
}
