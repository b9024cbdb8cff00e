import Foundation
import Tensors
import TestSupport

/// ONNX Runtime in Python, where `tools/test` has installed it.
enum ONNXRuntime {
    private static let python: String? = {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = root.path + "/tools/.venv/bin/python"
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    static var isThere: Bool { python != nil }
    static let message = "ONNX Runtime is not installed in tools/.venv: run tools/test"

    /// The outputs of the model at `path` for a batch, `[n, 3, H, W]`, by name.
    static func run(
        _ path: String, _ input: Tensor<Float>, in folder: String
    ) throws -> [String: [Float]] {
        guard let python else { throw Failure(text: message) }
        let bytes = unsafe input.elements.withUnsafeBytes { unsafe Data($0) }
        try bytes.write(to: URL(filePath: "\(folder)/input"))
        let shape = input.shape.extents.map(String.init).joined(separator: ",")
        let errors = "\(folder)/errors"
        let child = try ChildProcess(
            python, ["-c", script, path, folder, shape], output: "\(folder)/names", errors: errors)
        guard child.wait() == 0 else {
            throw Failure(text: (try? String(contentsOfFile: errors, encoding: .utf8)) ?? "")
        }
        let names = try String(contentsOfFile: "\(folder)/names", encoding: .utf8)
        var outputs: [String: [Float]] = [:]
        for name in names.split(separator: "\n").map(String.init) {
            let data = try Data(contentsOf: URL(filePath: "\(folder)/\(name).output"))
            outputs[name] = unsafe data.withUnsafeBytes {
                unsafe Array($0.bindMemory(to: Float.self))
            }
        }
        try FileManager.default.removeItem(atPath: "\(folder)/names")
        return outputs
    }

    private static let script = """
        import sys
        import numpy
        import onnxruntime

        model, folder, shape = sys.argv[1:]
        pixels = numpy.fromfile(folder + "/input", numpy.float32)
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        found = session.run(names, {"input": pixels.reshape([int(n) for n in shape.split(",")])})
        for name, value in zip(names, found):
            value.astype(numpy.float32).tofile(f"{folder}/{name}.output")
            print(name)
        """

    struct Failure: Error, CustomStringConvertible {
        let text: String
        var description: String { text }
    }
}
