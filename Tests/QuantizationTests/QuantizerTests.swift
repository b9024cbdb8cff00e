import Files
import Inference
import Model
import Quantization
import Tensors
import TestSupport
import Testing

struct QuantizerTests {
    // Weights are random, so every channel matters and none is redundant as in a trained network.
    @Test(arguments: [
        (Network.smallConvNet(sobel: false), 16, 8), (Network.smallConvNet(sobel: true), 16, 8),
        (Network.smallConvNet(sobel: false), 16, 7), (SmallModels.narrowAlexNet, 24, 8),
        (SmallModels.residual, 10, 8),
    ])
    func staysNearTheFloatNetwork(backbone: Network, size: Int, bits: Int) throws {
        let float = try SmallModels.checkpoint(backbone, size: size, seed: 11)
        let (quantized, drift) = try Quantizer.quantize(
            float, calibration: SmallModels.views(48, size: size, seed: 12), weightBits: bits)
        try quantized.validate()
        #expect(quantized.precision == .int8)
        #expect(quantized.weightBits == bits)
        #expect(quantized.provenance == float.provenance)
        #expect(drift.pictures == 48)
        let cosine = bits == 8 ? 0.998 : 0.997
        #expect(drift.meanCosine > cosine, "\(drift)")
        #expect(drift.worstCosine > cosine - 0.01, "\(drift)")
        for layer in drift.layers {
            #expect(
                abs(layer.meanError) < 0.02 * layer.signal + 0.5 * Double(layer.step), "\(layer)")
        }
    }

    // Pictures the scales were not chosen on.
    @Test func holdsForOtherPictures() throws {
        let float = try SmallModels.checkpoint(.smallConvNet(sobel: false), size: 16, seed: 21)
        let (quantized, _) = try Quantizer.quantize(
            float, calibration: SmallModels.views(64, size: 16, seed: 22))
        let views = SmallModels.views(16, size: 16, seed: 23)
        let plan = try InferencePlan(quantized)
        let reference = try FloatEmbeddings(float).vectors(of: views)
        for row in 0..<16 {
            let found = plan.embed(Array(views[row: row]).span, count: 1)[0].vector
            let cosine = zip(found, reference[row: row]).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            #expect(cosine > 0.99, "picture \(row): \(cosine)")
        }
    }

    @Test func equalWorkGivesEqualBytes() throws {
        let folder = try TemporaryFolder()
        let views = SmallModels.views(24, size: 12, seed: 32)
        let files = try ["a", "b"].map { name in
            let float = try SmallModels.checkpoint(.smallConvNet(sobel: true), size: 12, seed: 31)
            let path = folder.path("\(name).safetensors")
            try Quantizer.quantize(float, calibration: views, threads: 2).checkpoint.write(to: path)
            return try FileDigest.sha256(ofFileAt: FilePath(path))
        }
        #expect(files[0] == files[1])
    }

    @Test func maximumPoolingSharesItsInputsFormat() throws {
        let float = try SmallModels.checkpoint(SmallModels.narrowAlexNet, size: 24, seed: 41)
        let quantized = try Quantizer.quantize(
            float, calibration: SmallModels.views(8, size: 24, seed: 42)
        ).checkpoint
        for part in ["output_scale", "output_range"] {
            #expect(quantized.tensors["pool1.\(part)"] == quantized.tensors["conv1.\(part)"])
        }
        // ReLU's zero point is 0, the Sobel filter's lies inside.
        #expect(try quantized.int32("conv1.output_range").elements == [0, 0, 255])
        let sobel = try quantized.int32("sobel.output_range").elements
        #expect((1..<255).contains(sobel[0]))
        #expect(quantized.tensors["projection.output_scale"] == nil)
    }

    // One step is one pixel value where the channels share their normalization.
    @Test func inputKeepsEveryPixelValue() {
        let input = InputSpecification(
            width: 8, height: 8, shortSide: 8, mean: [0.4, 0.4, 0.4],
            standardDeviation: [0.25, 0.25, 0.25])
        let format = ActivationFormat(input: input)
        let levels = Set(
            input.normalizationTable()[..<256].map { value in
                Int((value / format.scale).rounded(.toNearestOrEven)) + Int(format.zeroPoint)
            })
        #expect(levels.count == 256)
        #expect(levels.min() == 0 && levels.max() == 255)
    }

    @Test func refusesWhatIsNoFloatCheckpointWithClusters() throws {
        let float = try SmallModels.checkpoint(.smallConvNet(sobel: false), size: 12, seed: 51)
        let views = SmallModels.views(8, size: 12, seed: 52)
        let quantized = try Quantizer.quantize(float, calibration: views).checkpoint
        #expect(error(quantized, views)?.contains("int8") == true)
        var backbone = float
        backbone.network.layers.removeLast(3)
        backbone.clustering = nil
        #expect(error(backbone, views)?.contains("'projection'") == true)
        var diverged = float
        diverged.tensors["conv2.weight"] = .float32(
            Tensor(repeating: .nan, shape: try float.float("conv2.weight").shape))
        #expect(error(diverged, views)?.contains("conv2") == true)
    }

    @Test func refusesUnfitPicturesAndBits() throws {
        let float = try SmallModels.checkpoint(.smallConvNet(sobel: false), size: 12, seed: 61)
        let views = SmallModels.views(2, size: 12, seed: 62)
        #expect(
            error(float, SmallModels.views(2, size: 16, seed: 1))?.contains("[2, 16, 16, 3]")
                == true)
        #expect(error(float, views.rows(at: 0..<0))?.contains("no calibration picture") == true)
        #expect(error(float, views, bits: 4)?.contains("7 or 8") == true)
    }

    /// The sentence with which a quantization is refused.
    private func error(
        _ checkpoint: Checkpoint, _ views: Tensor<UInt8>, bits: Int = 8
    ) -> String? {
        do {
            _ = try Quantizer.quantize(checkpoint, calibration: views, weightBits: bits)
            return nil
        } catch { return "\(error)" }
    }
}
