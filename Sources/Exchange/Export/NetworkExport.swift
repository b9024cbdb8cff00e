import Files
private import Foundation
public import Model
private import SwiftProtobuf
internal import Tensors

/// Checkpoints as files that other programs read.
public enum NetworkExport {
    /// The newest version of ONNX's operations that is used.
    static let operationSet: Int64 = 17
    /// The version of ONNX's file format that goes with it.
    static let formatVersion: Int64 = 8
    /// The largest file that protocol buffers can hold, with room for what is not weights.
    static let largestModel = Int(Int32.max) - (16 << 20)

    /// Writes a checkpoint's network in ONNX, opset 17, replacing what is at `path`.
    ///
    /// The input `input` is `[pictures, 3, H, W]`, floats, normalized as the metadata says. Outputs
    /// are `embedding`, unit vectors, and `distances` and `cluster` where the network has clusters;
    /// a network without an embedding has the output `feature`. An int8 checkpoint is written with
    /// QuantizeLinear and DequantizeLinear around every operation.
    ///
    /// - Parameters:
    ///   - checkpoint: A valid checkpoint.
    ///   - path: The file to write.
    /// - Throws: `ExchangeError` for a model of more than 2 GiB, or a file that cannot be written.
    public static func writeONNX(
        _ checkpoint: Checkpoint, to path: String
    ) throws(ExchangeError) {
        do throws(ExchangeError.Reason) {
            let model = try onnx(checkpoint)
            let bytes: [UInt8]
            do {
                bytes = try model.serializedBytes()
            } catch {
                throw .notSerializable("\(error)")
            }
            try writing { () throws(SystemCallError) in
                try DurableFile.write(bytes, to: FilePath(path))
            }
        } catch {
            throw ExchangeError(path, error)
        }
    }

    /// A checkpoint as a model in ONNX.
    static func onnx(
        _ checkpoint: Checkpoint
    ) throws(ExchangeError.Reason) -> Onnx_ModelProto {
        do throws(CheckpointError.Reason) {
            try checkpoint.validate()
        } catch {
            throw .checkpoint(error)
        }
        let size = checkpoint.tensors.values.reduce(0) {
            $0 + $1.shape.count * $1.elementSize
        }
        guard size <= largestModel else { throw .tooLargeToWrite(bytes: size) }
        var model = Onnx_ModelProto()
        model.irVersion = formatVersion
        model.producerName = "dctrain"
        model.producerVersion = ProgramVersion.number
        var operations = Onnx_OperatorSetIdProto()
        operations.version = operationSet
        model.opsetImport = [operations]
        model.graph = try ONNXExporter.graph(of: checkpoint)
        model.docString =
            "DeepCluster model (\(checkpoint.provenance.recipe)), licence \(checkpoint.license)"
        model.metadataProps = described(checkpoint).sorted { $0.key < $1.key }.map { key, value in
            var entry = Onnx_StringStringEntryProto()
            (entry.key, entry.value) = (key, value)
            return entry
        }
        return model
    }

    /// Writes a float checkpoint's tensors under their names in PyTorch's order of dimensions,
    /// filters `[outC, inC, kH, kW]`, replacing what is at `path`.
    ///
    /// - Parameters:
    ///   - checkpoint: A valid float checkpoint.
    ///   - path: The file to write.
    /// - Throws: `ExchangeError` for an int8 checkpoint, or a file that cannot be written.
    public static func writeSafetensors(
        _ checkpoint: Checkpoint, to path: String
    ) throws(ExchangeError) {
        do throws(ExchangeError.Reason) {
            let file = try safetensors(checkpoint)
            try writing { () throws(SystemCallError) in try file.write(to: path) }
        } catch {
            throw ExchangeError(path, error)
        }
    }

    private static func safetensors(
        _ checkpoint: Checkpoint
    ) throws(ExchangeError.Reason) -> SafetensorsFile {
        guard checkpoint.precision == .float32 else { throw .integerWeights }
        var tensors = checkpoint.tensors
        let shapes = try checkpoint.shapes()
        for layer in checkpoint.network.layers {
            guard case .float32(let weights) = tensors["\(layer.name).weight"] else { continue }
            tensors["\(layer.name).weight"] = .float32(
                PyTorchOrder.weights(
                    weights, of: layer, input: shapes[layer.inputs[0]] ?? []))
        }
        return SafetensorsFile(
            metadata: described(checkpoint).merging(["format": "pt"]) { $1 }, tensors: tensors)
    }

    private static func writing(
        _ body: () throws(SystemCallError) -> Void
    ) throws(ExchangeError.Reason) {
        do throws(SystemCallError) {
            try body()
        } catch {
            throw .system(call: error.call, number: error.number)
        }
    }

    /// What a file tells of its model, but for the network, which is in the file itself.
    private static func described(_ checkpoint: Checkpoint) -> [String: String] {
        checkpoint.metadata.filter { !["network", "format", "format_version"].contains($0.key) }
    }
}

extension Checkpoint {
    /// The shape of every layer's output for one picture, and of the input.
    func shapes() throws(ExchangeError.Reason) -> [String: Shape] {
        do throws(NetworkError) {
            return try network.outputShapes(input: inputShape)
        } catch {
            throw .checkpoint(.network(error))
        }
    }
}
