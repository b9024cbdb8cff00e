import ArgumentParser
import Exchange
import Files
import Foundation
import Model

/// `dctrain export CKPT --onnx OUT`: a checkpoint as files that other programs read.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a checkpoint for other programs: ONNX or plain safetensors.",
        discussion: """
            The ONNX model (opset 17) takes 'input', floats of [pictures, 3, height, width]: RGB from \
            0 to 1, less the mean, divided by the deviation that 'dctrain info' shows. It gives \
            'embedding' and, where there are clusters, 'distances' and 'cluster'. An int8 checkpoint \
            is written with QuantizeLinear and DequantizeLinear, which engines turn into integer \
            operations. Safetensors holds a float checkpoint's weights in PyTorch's order. Both carry \
            the licence.
            """)

    @Argument(help: "A checkpoint, float or int8.", completion: .file())
    var checkpoint: String

    @Option(help: ArgumentHelp("The ONNX model to write.", valueName: "file"))
    var onnx: String?

    @Option(
        help: ArgumentHelp("The safetensors file to write, of float weights.", valueName: "file"))
    var safetensors: String?

    @Flag(help: "Print the report as JSON.")
    var json = false

    func validate() throws {
        let files = [onnx, safetensors].compactMap { $0 }
        guard !files.isEmpty else {
            throw ValidationError("give --onnx or --safetensors and the file to write")
        }
        guard Set(files + [checkpoint]).count == files.count + 1 else {
            throw ValidationError("the files must be different ones")
        }
    }

    func run() throws {
        let model = try Checkpoint(contentsOf: checkpoint)
        var files: [ExportReport.File] = []
        if let onnx {
            try NetworkExport.writeONNX(model, to: onnx)
            files.append(try ExportReport.File(onnx, format: "ONNX"))
        }
        if let safetensors {
            try NetworkExport.writeSafetensors(model, to: safetensors)
            files.append(try ExportReport.File(safetensors, format: "safetensors"))
        }
        let report = ExportReport(
            checkpoint: checkpoint, precision: model.precision.rawValue, license: model.license,
            files: files)
        print(json ? try report.json() : report.text)
    }
}

/// What `export` prints.
private struct ExportReport: Encodable {
    /// A file that was written.
    struct File: Encodable {
        let path, format, sha256: String
        let bytes: Int

        init(_ path: String, format: String) throws {
            (self.path, self.format) = (path, format)
            sha256 = try FileDigest.sha256(ofFileAt: FilePath(path))
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber
            bytes = size?.intValue ?? 0
        }
    }

    let checkpoint, precision, license: String
    let files: [File]

    var text: String {
        (files.map { "wrote \($0.path): \($0.format), \(precision), \($0.bytes.grouped) bytes" }
            + ["licence \(license)"]).joined(separator: "\n")
    }
}
