import Clustering
import Imaging
import Model
import Tensors
import Testing
import Training

struct FrozenClusteringTests {
    /// A random network of the small kind, as a checkpoint without clusters.
    private func backbone(_ network: Network = .smallConvNet(sobel: false)) throws -> Checkpoint {
        var random = SeededGenerator(seed: 17)
        let tensors = try FloatNetwork.initialTensors(
            for: network, inputShape: [16, 16, 3], using: &random)
        return Checkpoint(
            network: network, input: .square(16), precision: .float32, clustering: nil,
            provenance: Provenance(
                recipe: "elsewhere", seed: 17, epochs: 3, pictures: 9, picturesDigest: "x",
                source: "weights.pth"),
            license: "CC-BY-4.0", tensors: tensors.mapValues { .float32($0) })
    }

    private func clusters(
        of source: some PictureSource, clusters: Int? = nil, dimensions: Int = 256,
        whiten: Float = 0, threads: Int = 2, model: Checkpoint? = nil
    ) throws -> FrozenClusters {
        var clustering = FrozenClustering()
        clustering.clusters = clusters
        clustering.dimensions = dimensions
        clustering.whiten = whiten
        clustering.threads = threads
        return try clustering.run(
            on: source, model: model ?? backbone(), observer: RecordingObserver())
    }

    @Test func makesAModelThatShips() throws {
        let source = SyntheticPictures(count: 40, broken: [3, 11])
        let found = try clusters(of: source, clusters: 4, dimensions: 8)
        try found.checkpoint.validate()
        let kinds = found.checkpoint.network.layers.suffix(3).map(\.name)
        #expect(kinds == ["projection", "normalize", "centroids"])
        #expect(found.checkpoint.network.feature == "pool")
        #expect(found.checkpoint.clustering?.dimension == 8)
        #expect(found.checkpoint.clustering?.whiteningExponent == 0)
        #expect(found.checkpoint.license == "CC-BY-4.0")
        let provenance = found.checkpoint.provenance
        #expect(provenance.recipe == "frozen elsewhere")
        #expect((provenance.pictures, provenance.epochs) == (38, 0))
        // Where the weights came from is told of what is made from them, like their licence.
        #expect(provenance.source == "weights.pth")
        #expect(found.pictures == 38)
        #expect(found.clusters.reduce(0) { $0 + $1.size } == 38)
        #expect(found.skipped.map(\.path) == ["shape-3", "shape-11"])
        #expect(found.skipped[0].reason == "no picture\tat all")
    }

    // What is shipped says of a picture what the report says of it.
    @Test func assignsAsTheReportTells() throws {
        let source = SyntheticPictures(count: 24)
        let found = try clusters(of: source, clusters: 3)
        let network = try FloatNetwork(
            network: found.checkpoint.network, inputShape: found.checkpoint.inputShape,
            tensors: found.checkpoint.tensors.compactMapValues {
                if case .float32(let values) = $0 { values } else { nil }
            })
        let table = found.checkpoint.input.normalizationTable()
        for cluster in found.clusters {
            for member in cluster.central {
                let number = try #require(Int(member.path.dropFirst("shape-".count)))
                let view = try source.picture(at: number, for: found.checkpoint.input)
                    .centerView(for: found.checkpoint.input)
                let batch = Tensor(
                    view.pixels.enumerated().map { table[$0 % 3 * 256 + Int($1)] },
                    shape: [1, 16, 16, 3])
                let distances = network.evaluate(batch).output.elements
                #expect(distances.indices.min { distances[$0] < distances[$1] } == cluster.id)
            }
            #expect(cluster.central.map(\.cosine) == cluster.central.map(\.cosine).sorted(by: >))
            #expect((-1...1.0001).contains(cluster.coherence ?? 0))
        }
    }

    @Test func isTheSameAgainAndOnOtherThreads() throws {
        let source = SyntheticPictures(count: 40)
        let first = try clusters(of: source, clusters: 5, threads: 1)
        let again = try clusters(of: source, clusters: 5, threads: 1)
        #expect(first.checkpoint == again.checkpoint)
        let others = try clusters(of: source, clusters: 5, threads: 3)
        #expect(first.clusters.map(\.size) == others.clusters.map(\.size))
    }

    @Test func proposesTheNumberOfClusters() throws {
        #expect(try clusters(of: SyntheticPictures(count: 40)).clusters.count == 10)
        #expect(try clusters(of: SyntheticPictures(count: 12)).clusters.count == 3)
    }

    @Test func keepsAtMostOneDimensionLessThanPictures() throws {
        let found = try clusters(of: SyntheticPictures(count: 9), clusters: 2)
        let dimension = try #require(found.checkpoint.clustering?.dimension)
        #expect((1...8).contains(dimension))
        try found.checkpoint.validate()
    }

    // A model that has clusters already, and a classifier behind the feature, get new ones.
    @Test func replacesWhatIsBehindTheFeature() throws {
        let source = SyntheticPictures(count: 24)
        let first = try clusters(of: source, clusters: 3)
        let again = try clusters(of: source, clusters: 3, model: first.checkpoint)
        #expect(again.checkpoint == first.checkpoint)

        var classifier = try backbone()
        classifier.network.append("fc", .linear(outputs: 10, hasBias: false))
        classifier.tensors["fc.weight"] = .float32(Tensor(repeating: 0, shape: [10, 256]))
        let cut = try clusters(of: source, clusters: 3, model: classifier)
        #expect(cut.checkpoint == first.checkpoint)
    }

    @Test func copiesLeaveClustersEmpty() throws {
        // Four distinct pictures, each twenty times.
        let source = CopiedPictures(count: 80, distinct: 4)
        let found = try clusters(of: source, clusters: 10)
        #expect(found.clusters.count { $0.size > 0 } <= 10)
        #expect(found.clusters.reduce(0) { $0 + $1.size } == 80)
        let filled = found.clusters.filter { $0.size > 0 }
        #expect(filled.allSatisfy { $0.coherence ?? 0 > 0.999 && $0.outliers.isEmpty })
        #expect(found.clusters.filter { $0.size == 0 }.allSatisfy { $0.coherence == nil })
        try found.checkpoint.validate()
    }

    @Test func refusesWhatCannotBeClustered() throws {
        #expect(throws: TrainingError.fewerPicturesThanClusters(pictures: 5, clusters: 6)) {
            try clusters(of: SyntheticPictures(count: 5), clusters: 6)
        }
        // As many files as clusters, but one of them is no picture.
        #expect(throws: TrainingError.fewerPicturesThanClusters(pictures: 4, clusters: 5)) {
            try clusters(of: SyntheticPictures(count: 5, broken: [0]), clusters: 5)
        }
        #expect(throws: TrainingError.noReadablePicture(images: "synthetic", tried: 3)) {
            try clusters(of: SyntheticPictures(count: 3, broken: [0, 1, 2]))
        }
        #expect(throws: TrainingError.tooFewPictures(found: 1, needed: 2)) {
            try clusters(of: SyntheticPictures(count: 1))
        }
        #expect(throws: ClusteringError.noVariance(rows: 6)) {
            try clusters(of: CopiedPictures(count: 6, distinct: 1), clusters: 2)
        }
        #expect(throws: TrainingError.self) {
            try clusters(of: SyntheticPictures(count: 5), dimensions: 257)
        }
        #expect(throws: TrainingError.self) {
            try clusters(of: SyntheticPictures(count: 5), whiten: 0.5)
        }
        var int8 = try backbone()
        int8.precision = .int8
        #expect(throws: TrainingError.self) {
            try clusters(of: SyntheticPictures(count: 5), model: int8)
        }
    }
}

struct FrozenClusterTests {
    private func cluster(_ cosines: [Float]) -> FrozenClusters.Cluster {
        FrozenClusters.Cluster(
            id: 7,
            cosines.enumerated().map {
                FrozenClusters.Member(path: "p\($0)", cosine: $1)
            })
    }

    @Test func ordersPicturesByCosineAndThenByName() {
        let found = cluster([0.8, 0.9, 0.8, 0.95])
        #expect(found.central.map(\.path) == ["p3", "p1", "p0", "p2"])
        #expect(found.size == 4)
        #expect(abs((found.coherence ?? 0) - 0.8625) < 1e-6)
    }

    @Test func marksWhatIsFarOutside() {
        let usual = (0..<20).map { 0.9 + Float($0) * 0.002 }
        let found = cluster(usual + [0.3, 0.5])
        #expect(found.outliers.map(\.path) == ["p20", "p21"])
        #expect(cluster(usual).outliers.isEmpty)
    }

    @Test(arguments: [0, 1, 2, 4])
    func smallClustersHaveNoOutliers(size: Int) {
        let found = cluster([0.1, 0.9, 0.95, 0.97].prefix(size).map(\.self))
        #expect(found.outliers.isEmpty)
        #expect((found.coherence == nil) == (size == 0))
    }
}

/// A few pictures over and over.
private struct CopiedPictures: PictureSource {
    var count: Int
    var distinct: Int

    var place: String { "copies" }
    var digest: String { "copies \(count) of \(distinct)" }

    func path(of index: Int) -> String { "copy-\(index)" }
    func label(of index: Int) -> Int? { nil }

    func picture(at index: Int, for input: InputSpecification) throws -> Picture {
        try SyntheticPictures(count: distinct).picture(at: index % distinct, for: input)
    }
}
