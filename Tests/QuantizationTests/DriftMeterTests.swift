import Model
import Quantization
import Tensors
import Testing

struct DriftMeterTests {
    @Test func seesThePicturesItIsGivenInAnyParts() throws {
        let float = try SmallModels.checkpoint(.smallConvNet(sobel: false), size: 16, seed: 71)
        let made = try Quantizer.make(
            float, calibration: SmallModels.views(32, size: 16, seed: 72))
        #expect(Set(made.ranges.keys) == ["conv1", "conv2", "conv3", "conv4"])
        let views = SmallModels.views(30, size: 16, seed: 73)
        var (whole, parts) = (
            try DriftMeter(float, made.checkpoint, ranges: made.ranges),
            try DriftMeter(float, made.checkpoint, ranges: made.ranges)
        )
        try whole.add(views)
        for rows in [0..<1, 1..<1, 1..<17, 17..<30] { try parts.add(views.rows(at: rows)) }
        let report = whole.report
        #expect(report.pictures == 30)
        #expect(report.worstCosine <= report.firstPercentileCosine)
        #expect(report.firstPercentileCosine <= report.meanCosine)
        #expect(report.meanCosine > 0.995, "\(report)")
        #expect(report.neighbourOverlap > 0.8, "\(report)")
        #expect(report.changedClusters < 0.2)
        #expect(report.layers.map(\.layer) == parts.report.layers.map(\.layer))
        // A kernel of BLAS may round a picture's features otherwise at another place in a batch, by
        // some 2⁻²⁰ of their size; embeddings are up to 0.1 of their length apart.
        #expect(abs(report.meanCosine - parts.report.meanCosine) < 1e-7)
        #expect(report.neighbourOverlap == parts.report.neighbourOverlap)
        for layer in report.layers {
            #expect(layer.error > 0 && layer.error <= layer.maximumError)
            #expect(abs(layer.meanError) <= layer.error)
        }
    }

    @Test func twoPicturesAreNeighboursAndOneHasNone() throws {
        let float = try SmallModels.checkpoint(.smallConvNet(sobel: false), size: 12, seed: 74)
        let views = SmallModels.views(2, size: 12, seed: 75)
        let made = try Quantizer.make(float, calibration: views)
        for count in [0, 1, 2] {
            var meter = try DriftMeter(float, made.checkpoint)
            try meter.add(views.rows(at: 0..<count))
            #expect(meter.report.neighbourOverlap == 1)
            #expect(meter.report.pictures == count)
            #expect(meter.report.layers.allSatisfy { $0.range == nil })
        }
    }

    @Test func refusesWhatDoesNotBelongTogether() throws {
        let float = try SmallModels.checkpoint(.smallConvNet(sobel: false), size: 12, seed: 76)
        let views = SmallModels.views(8, size: 12, seed: 77)
        let made = try Quantizer.make(float, calibration: views).checkpoint
        let other = try SmallModels.checkpoint(SmallModels.residual, size: 12, seed: 76)
        #expect(throws: QuantizationError.self) { try DriftMeter(other, made) }
        #expect(throws: QuantizationError.self) { try DriftMeter(made, made) }
        var meter = try DriftMeter(float, made)
        #expect(throws: QuantizationError.self) {
            try meter.add(SmallModels.views(1, size: 16, seed: 1))
        }
    }
}
