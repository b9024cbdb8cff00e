import Exchange
import FloatNetworks
import Foundation
import Model
import Tensors
import TestSupport
import Testing

/// Files that PyTorch wrote, imported and run.
struct PyTorchFilesTests {
    /// Weights are the same numbers; what differs is the order in which Floats are summed.
    private static let tolerance: Float = 1e-4

    @Test func thereIsAFileOfEachContainer() {
        let files = PyTorchFixture.all.map(\.file)
        for container in ["legacy", "zip", "safetensors"] {
            #expect(files.contains { $0.contains("-\(container)-") })
        }
        #expect(Set(PyTorchFixture.all.map(\.layout)).count == 9)
    }

    @Test(arguments: PyTorchFixture.all)
    func theFeatureIsPyTorchs(fixture: PyTorchFixture) throws {
        let imported = try ImportedNetwork(contentsOf: fixture.path)
        #expect(imported.layout == fixture.layout)
        #expect(imported.checkpoint.license == fixture.license)
        #expect(imported.checkpoint.provenance.epochs == fixture.epochs)
        #expect(imported.checkpoint.provenance.source?.hasPrefix(fixture.file) == true)
        #expect(imported.checkpoint.input.mean == fixture.mean)
        #expect(imported.checkpoint.input.standardDeviation == fixture.deviation)
        #expect(imported.checkpoint.network.output == imported.checkpoint.network.feature)
        let (feature, _) = try outputs(of: imported.checkpoint)
        expectEqual(feature, fixture.expectedFeature)
    }

    @Test(arguments: PyTorchFixture.all)
    func theHeadIsPyTorchs(fixture: PyTorchFixture) throws {
        let imported = try ImportedNetwork(
            contentsOf: fixture.path, options: ImportOptions(keepsHead: true))
        let (_, output) = try outputs(of: imported.checkpoint)
        expectEqual(output, fixture.expectedHead)
    }

    @Test(arguments: PyTorchFixture.all.prefix(1))
    func anImportedNetworkIsWrittenAndReadAsACheckpoint(fixture: PyTorchFixture) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/model.safetensors"
        let imported = try ImportedNetwork(
            contentsOf: fixture.path, options: ImportOptions(license: "MIT"))
        try imported.checkpoint.write(to: path)
        #expect(try Checkpoint(contentsOf: path) == imported.checkpoint)
        // Ours in, ours out.
        let again = try ImportedNetwork(contentsOf: path)
        #expect(again.checkpoint == imported.checkpoint)
        #expect(again.checkpoint.license == "MIT")
    }

    @Test func rowsTellWhichTensorsBecameWhichLayer() throws {
        let fixture = try #require(
            PyTorchFixture.all.first { $0.file.hasPrefix("alexnet-sobel-legacy") })
        let imported = try ImportedNetwork(contentsOf: fixture.path)
        #expect(imported.container == "PyTorch stream of pickles")
        let row = try #require(imported.rows.first { $0.layer == "fc7" })
        #expect(row.tensors == ["classifier.4.weight", "classifier.4.bias"])
        #expect(imported.unused == ["top_layer.bias", "top_layer.weight"])
        #expect(imported.head == .classifier)
    }

    private func outputs(of checkpoint: Checkpoint) throws -> (feature: [Float], output: [Float]) {
        let name = checkpoint.network.feature
        let (output, captured) = try FloatNetwork(checkpoint).evaluate(
            PyTorchFixture.picture(for: checkpoint.input), capturing: [name])
        return (captured[name]?.elements ?? [], output.elements)
    }

    private func expectEqual(_ found: [Float], _ expected: [Float]) {
        #expect(found.count == expected.count)
        let largest = expected.map(abs).max() ?? 0
        let difference = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(largest > 0.01)
        #expect(difference <= Self.tolerance * largest, "\(difference) of \(largest)")
    }
}
