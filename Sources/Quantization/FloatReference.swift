import FloatNetworks
import Model
import Tensors

/// The float network of a checkpoint, fed with the same 8-bit pixels as the int8 network.
struct FloatReference {
    private let network: FloatNetwork
    private let input: InputSpecification
    /// `[height, width, 3]` of one picture.
    let pictureShape: Shape
    /// How many pictures go through at once: few enough that the outputs of a layer stay below the
    /// 32 MiB from which on the system's allocator gives memory back and clears it anew each time.
    let batch: Int

    init(_ checkpoint: Checkpoint, threads: Int) throws(QuantizationError) {
        input = checkpoint.input
        pictureShape = [input.height, input.width, 3]
        batch = max(1, min(64, 300_000 / (input.height * input.width)))
        var tensors: [String: Tensor<Float>] = [:]
        for (name, tensor) in checkpoint.tensors {
            if case .float32(let values) = tensor { tensors[name] = values }
        }
        do {
            network = try FloatNetwork(
                network: checkpoint.network, inputShape: pictureShape, tensors: tensors,
                threads: threads)
        } catch { throw .floatNetwork(error) }
    }

    /// The outputs of the named layers for the given rows of `views`, `[n, height, width, 3]`.
    func outputs(
        of names: Set<String>, for views: Tensor<UInt8>, rows: Range<Int>
    ) -> [String: Tensor<Float>] {
        let captured = network.evaluate(normalized(views, rows: rows), capturing: names).captured
        return captured.filter { names.contains($0.key) }
    }

    private func normalized(_ views: Tensor<UInt8>, rows: Range<Int>) -> Tensor<Float> {
        let width = views.rowSize
        let pixels = views.elements.span.extracting(
            rows.lowerBound * width..<rows.upperBound * width)
        return input.batch(of: pixels, count: rows.count)
    }
}

extension Range<Int> {
    /// The range cut into pieces of at most `size`.
    func batches(of size: Int) -> [Range<Int>] {
        stride(from: lowerBound, to: upperBound, by: size).map { start in
            start..<Swift.min(start + size, upperBound)
        }
    }
}
