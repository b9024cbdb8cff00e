import Evaluation
import Foundation
import Model
import Pictures
import Quantization
import Tensors
import TestSupport
import Testing
import Training

struct NumpyFileTests {
    // What numpy.save writes for a (2, 3) and for a (5,) array, but for the padding's length.
    @Test(arguments: [([2, 3], "(2, 3, )"), ([5], "(5, )"), ([], "()")])
    func headerIsWhatNumPyReads(extents: [Int], text: String) {
        let header = NumpyFile.header(type: "<f4", shape: Shape(extents))
        #expect(header.count % 64 == 0)
        #expect(Array(header.prefix(8)) == [0x93] + Array("NUMPY".utf8) + [1, 0])
        #expect(Int(header[8]) + 256 * Int(header[9]) == header.count - 10)
        let dictionary = String(decoding: header.dropFirst(10), as: UTF8.self)
        #expect(
            dictionary.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': \(text), }"))
        #expect(dictionary.last == "\n")
    }
}

struct FolderEmbedderTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try LabelledFolder.write(25, to: folder, seed: 9)
        try folder.write(Array("no picture".utf8), to: "green/broken.png")
    }

    private func embeddings(
        _ checkpoint: Checkpoint, keepsPixels: Bool = false
    ) throws -> FolderEmbeddings {
        try FolderEmbedder(checkpoint, threads: 2).run(
            on: ListedPictures(at: folder.path), keepsPixels: keepsPixels,
            observer: SilentObserver())
    }

    @Test func floatAndIntegerEmbedTheSamePictures() throws {
        let float = try SmallCheckpoint.make()
        let exact = try embeddings(float, keepsPixels: true)
        #expect(exact.names.count == 75)
        #expect(exact.names.first == "blue/0.png")
        #expect(exact.skipped.map(\.path) == ["green/broken.png"])
        #expect(exact.vectors.shape == [75, 4])
        let pixels = try #require(exact.pixels)
        #expect(pixels.shape == [75, 16, 16, 3])

        let integer = try embeddings(
            Quantizer.make(float, calibration: pixels.rows(at: 0..<40)).checkpoint)
        #expect(integer.names == exact.names)
        #expect(integer.pixels == nil)
        for row in 0..<75 {
            let cosine = zip(exact.vectors[row: row], integer.vectors[row: row]).reduce(0) {
                $0 + $1.0 * $1.1
            }
            #expect(cosine > 0.99)
        }
        #expect(exact.clusters?.count == 75)
    }

    @Test func aBackboneGivesItsFeature() throws {
        var backbone = try SmallCheckpoint.make()
        backbone.network.layers.removeLast(3)
        backbone.clustering = nil
        let found = try embeddings(backbone)
        #expect(found.vectors.shape == [75, 12])
        #expect(found.clusters == nil)
        try found.writeTable(to: folder.path("table.tsv"))
        let text = try String(contentsOfFile: folder.path("table.tsv"), encoding: .utf8)
        #expect(text.hasPrefix("path\nblue/0.png\nblue/1.png\n"))
    }

    @Test func tablesTellTheClusters() throws {
        let found = try embeddings(SmallCheckpoint.make())
        try found.writeTable(to: folder.path("table.tsv"))
        let lines = try String(contentsOfFile: folder.path("table.tsv"), encoding: .utf8)
            .split(separator: "\n")
        #expect(lines.count == 76)
        #expect(lines[0] == "path\tcluster")
        #expect(lines[1] == "blue/0.png\t\(found.clusters?[0] ?? -1)")
    }

    @Test func refusesAFolderWithoutPictures() throws {
        let empty = try TemporaryFolder()
        try empty.write([1, 2, 3], to: "a.png")
        #expect(throws: PictureError.noReadablePicture(images: empty.path, tried: 1)) {
            try FolderEmbedder(SmallCheckpoint.make(), threads: 1).run(
                on: ListedPictures(at: empty.path), observer: SilentObserver())
        }
    }
}

/// Hears of everything and says nothing.
private final class SilentObserver: FitObserver {
    var shouldStop: Bool { false }
    func begin(_ phase: ProgressPhase, epoch: Int?, total: Int, done: Int) {}
    func advance(to done: Int) {}
    func end(_ phase: ProgressPhase) {}
    func finished(_ epoch: EpochMetrics) {}
    func note(_ message: String) {}
}
