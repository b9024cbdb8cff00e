import Foundation

/// The kind of CPU this program runs on.
package enum Processor {
    /// The model's name as Linux tells it.
    package static let model: String = {
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = lines.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = model?.split(separator: ":", maxSplits: 1).last.map { String($0) }
        return name?.trimmingCharacters(in: .whitespaces) ?? "unknown"
    }()

    /// What the bytes of a result depend on: the model, the kernel of OpenBLAS, the float loops.
    package static var name: String {
        "\(model), OpenBLAS \(BLAS.kernel), \(FloatLoops.current == nil ? "no" : "fused") float loops"
    }
}
