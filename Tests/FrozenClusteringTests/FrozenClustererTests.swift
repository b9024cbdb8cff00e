import Clustering
import FloatNetworks
import Foundation
import FrozenClustering
import Imaging
import Inference
import Model
import Pictures
import Quantization
import Tensors
import TestSupport
import Testing
import Training
import TrainingTestSupport
import Vocabulary

struct FrozenClustererTests {
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
        whiten: Float = 0, examples: [String]? = nil, threads: Int = 2,
        model: Checkpoint? = nil, features: FrozenFeatures? = nil, isFloat: Bool = true,
        method: FrozenClusterer.Method = .kMeans
    ) throws -> FrozenClusters {
        var clustering = FrozenClusterer()
        if isFloat { clustering.quantizing = nil }
        clustering.method = method
        clustering.clusters = clusters
        clustering.dimensions = dimensions
        clustering.whiten = whiten
        clustering.examples = examples
        clustering.threads = threads
        return try clustering.run(
            on: source, model: model ?? backbone(), features: features,
            observer: RecordingObserver())
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
        #expect(found.assignments.count == 38)
        #expect(found.clusters.reduce(0) { $0 + $1.size } == 38)
        #expect(found.skipped.map(\.path) == ["shape-3", "shape-11"])
        #expect(found.skipped[0].reason == "no picture\tat all")
    }

    // What the daemon's engine says of a picture is what the report says of it, but for centroids that
    // are equally near within Float's rounding, of which there are none here.
    @Test(arguments: ["pool", "linear", "map", "wide map"])
    func theInt8ModelAssignsAsTheReportTells(feature: String) throws {
        var network = Network.smallConvNet(sobel: false)
        if feature == "linear" {
            network.append("fc", .linear(outputs: 40, hasBias: true))
            network.feature = "fc"
        } else if feature == "map" || feature == "wide map" {
            // 2 × 2 × 256, and 16 × 16 × 32, of which no moments are taken.
            network = Network(
                layers: network.layers(neededFor: ["relu4"]), feature: "relu4")
            if feature == "wide map" {
                network = Network(layers: network.layers(neededFor: ["relu1"]), feature: "relu1")
            }
        }
        let source = SyntheticPictures(count: 60, broken: [7])
        let found = try clusters(
            of: source, clusters: 3, dimensions: 12, model: backbone(network), isFloat: false)
        try found.checkpoint.validate()
        #expect(found.checkpoint.precision == .int8)
        #expect(found.checkpoint.clustering?.dimension == 12)
        #expect(found.checkpoint.license == "CC-BY-4.0")
        #expect(found.checkpoint.provenance.recipe == "frozen elsewhere")
        #expect(found.checkpoint.provenance.pictures == 59)
        #expect(found.skipped.map(\.path) == ["shape-7"])
        let drift = try #require(found.drift)
        #expect(drift.pictures == 59)
        #expect(drift.meanCosine > 0.99, "\(drift)")

        let plan = try InferencePlan(found.checkpoint)
        let centroids = normalizeRows(try found.checkpoint.float("centroids.weight"))
        for assignment in found.assignments {
            let number = try #require(Int(assignment.path.dropFirst("shape-".count)))
            let view = try source.picture(at: number, for: found.checkpoint.input)
                .centerView(for: found.checkpoint.input)
            let embedding = plan.embed(view.pixels.span, count: 1)[0]
            #expect(embedding.cluster == assignment.cluster)
            let cosine = zip(embedding.vector, centroids[row: embedding.cluster]).reduce(0.0) {
                $0 + Double($1.0) * Double($1.1)
            }
            #expect(Float(cosine) == assignment.cosine)
        }
    }

    // Whatever found the clusters, a picture is assigned by the nearest centroid.
    @Test func clustersOfTheGraphShipAsTheirMeans() throws {
        let source = SyntheticPictures(count: 60)
        let found = try clusters(of: source, clusters: 4, isFloat: false, method: .graph)
        try found.checkpoint.validate()
        #expect(found.clusters.reduce(0) { $0 + $1.size } == 60)
        #expect(found.clusters.count { $0.size > 0 } > 1)
        let plan = try InferencePlan(found.checkpoint)
        for (number, assignment) in found.assignments.enumerated() {
            let view = try source.picture(at: number, for: found.checkpoint.input)
                .centerView(for: found.checkpoint.input)
            #expect(plan.embed(view.pixels.span, count: 1)[0].cluster == assignment.cluster)
        }
        #expect(throws: VocabularyError.self) {
            try clusters(of: source, examples: ["shape-1", "shape-2"], method: .graph)
        }
    }

    @Test func theInt8ModelFindsWhatTheFloatOneFinds() throws {
        let source = SyntheticPictures(count: 80)
        let (float, int8) = (
            try clusters(of: source, clusters: 4),
            try clusters(of: source, clusters: 4, isFloat: false)
        )
        #expect(float.drift == nil)
        let same = zip(float.assignments, int8.assignments).count { $0.cluster == $1.cluster }
        #expect(same >= 78)
        #expect(try clusters(of: source, clusters: 4, isFloat: false).checkpoint == int8.checkpoint)
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

    @Test func tellsTheClusterOfEveryPicture() throws {
        let source = SyntheticPictures(count: 60, broken: [7])
        let found = try clusters(of: source, clusters: 3)
        #expect(found.assignments.map(\.path) == (0..<60).filter { $0 != 7 }.map { "shape-\($0)" })
        for cluster in found.clusters {
            let members = found.assignments.filter { $0.cluster == cluster.id }
            #expect(members.count == cluster.size)
            #expect(
                Set(members.filter(\.isOutlier).map(\.path)) == Set(cluster.outliers.map(\.path)))
            #expect(members.map(\.cosine).max() == cluster.central.first?.cosine)
        }

        let folder = try TemporaryFolder()
        try found.writeTable(to: "\(folder.path)/table.tsv")
        let lines = try String(contentsOfFile: "\(folder.path)/table.tsv", encoding: .utf8)
            .split(separator: "\n")
        #expect(lines.first == "path\tcluster\tcosine\toutlier")
        #expect(lines.count == 60)
        #expect(lines[1].hasPrefix("shape-0\t\(found.assignments[0].cluster)\t"))
    }

    // The clusters begin where the examples are, so they keep the examples' order.
    @Test func beginsWithExamples() throws {
        let source = SyntheticPictures(count: 40, broken: [1])
        let (first, second) = (
            ["shape-2", "shape-3", "shape-0"], ["shape-0", "shape-2", "shape-3"]
        )
        let one = try clusters(of: source, examples: first)
        let other = try clusters(of: source, examples: second)
        #expect(one.clusters.map(\.size) == [1, 2, 0].map { other.clusters[$0].size })
        for (found, examples) in [(one, first), (other, second)] {
            #expect(found.clusters.count == 3)
            #expect(found.checkpoint.clustering?.clusters == 3)
            for (cluster, example) in examples.enumerated() {
                #expect(found.assignments.first { $0.path == example }?.cluster == cluster)
            }
        }
        for (examples, part) in [
            (["shape-2", "shape-1"], "'shape-1'"), (["nowhere"], "'nowhere'"),
            (["shape-2", "shape-2"], "twice"),
        ] {
            let error = #expect(throws: VocabularyError.self) {
                try clusters(of: source, examples: examples)
            }
            #expect(error?.description.contains(part) == true)
        }
        #expect(throws: VocabularyError.self) {
            try clusters(of: source, clusters: 3, examples: ["shape-2"])
        }
    }

    @Test(arguments: [true, false])
    func isTheSameAgainAndOnOtherThreads(isFloat: Bool) throws {
        let source = SyntheticPictures(count: 40)
        let first = try clusters(of: source, clusters: 5, threads: 1, isFloat: isFloat)
        let again = try clusters(of: source, clusters: 5, threads: 1, isFloat: isFloat)
        #expect(first.checkpoint == again.checkpoint)
        let others = try clusters(of: source, clusters: 5, threads: 3, isFloat: isFloat)
        #expect(first.clusters.map(\.size) == others.clusters.map(\.size))
    }

    @Test func proposesTheNumberOfClusters() throws {
        #expect(try clusters(of: SyntheticPictures(count: 40)).clusters.count == 10)
        #expect(try clusters(of: SyntheticPictures(count: 12)).clusters.count == 3)
    }

    @Test(arguments: [2, 9], [true, false])
    func keepsAtMostOneDimensionLessThanPictures(count: Int, isFloat: Bool) throws {
        let found = try clusters(
            of: SyntheticPictures(count: count), clusters: 2, isFloat: isFloat)
        let dimension = try #require(found.checkpoint.clustering?.dimension)
        #expect((1..<count).contains(dimension))
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

    /// The features of a source by `backbone()`, as they might have been kept.
    private func features(of source: SyntheticPictures) throws -> FrozenFeatures {
        let model = try backbone()
        let network = try FloatNetwork(
            network: model.network, inputShape: model.inputShape,
            tensors: model.tensors.compactMapValues {
                if case .float32(let values) = $0 { values } else { nil }
            })
        let table = model.input.normalizationTable()
        var (names, values): ([String], [Float]) = ([], [])
        for number in 0..<source.count where !source.broken.contains(number) {
            let view = try source.picture(at: number, for: model.input)
                .centerView(for: model.input)
            let batch = Tensor(
                view.pixels.enumerated().map { table[$0 % 3 * 256 + Int($1)] },
                shape: [1, 16, 16, 3])
            names.append(source.path(of: number))
            values += network.evaluate(batch).output.elements
        }
        return FrozenFeatures(
            place: "kept.npy", names: names,
            vectors: Tensor(values, shape: [names.count, values.count / names.count]))
    }

    @Test func takesFeaturesThatAreKnown() throws {
        let source = SyntheticPictures(count: 40, broken: [0, 11])
        let kept = try features(of: source)
        let seen = try clusters(of: source, clusters: 4)
        let recalled = try clusters(of: source, clusters: 4, features: kept)
        #expect(recalled.assignments.map(\.path) == seen.assignments.map(\.path))
        #expect(recalled.assignments.map(\.cluster) == seen.assignments.map(\.cluster))
        #expect(recalled.checkpoint.provenance == seen.checkpoint.provenance)
        #expect(recalled.skipped.map(\.path) == ["shape-0", "shape-11"])
    }

    @Test func refusesFeaturesOfSomethingElse() throws {
        let source = SyntheticPictures(count: 12)
        let kept = try features(of: source)
        let scaled = Tensor(kept.vectors.elements.map { $0 * 1.01 }, shape: kept.vectors.shape)
        let narrow = Tensor<Float>(repeating: 0, shape: [12, 3])
        for (names, vectors) in [
            (kept.names, scaled), (kept.names, narrow), (kept.names.reversed(), kept.vectors),
            (kept.names.map { "other-\($0)" }, kept.vectors),
        ] {
            let foreign = FrozenFeatures(place: "kept.npy", names: names, vectors: vectors)
            let error = #expect(throws: ForeignFeatures.self) {
                try clusters(of: source, clusters: 3, features: foreign)
            }
            #expect(error?.description.contains("'kept.npy'") == true)
        }
    }

    @Test(arguments: [true, false])
    func copiesLeaveClustersEmpty(isFloat: Bool) throws {
        // Four distinct pictures, each twenty times; in float copies differ by their place in a batch.
        let source = CopiedPictures(count: 80, distinct: 4)
        let found = try clusters(of: source, clusters: 10, isFloat: isFloat)
        #expect(found.clusters.count { $0.size > 0 } <= (isFloat ? 9 : 4))
        #expect(found.clusters.reduce(0) { $0 + $1.size } == 80)
        let filled = found.clusters.filter { $0.size > 0 }
        #expect(filled.allSatisfy { $0.coherence ?? 0 > 0.999 && $0.outliers.isEmpty })
        #expect(found.clusters.filter { $0.size == 0 }.allSatisfy { $0.coherence == nil })
        try found.checkpoint.validate()
    }

    @Test func refusesWhatCannotBeClustered() throws {
        #expect(throws: VocabularyError.fewerPicturesThanClusters(pictures: 5, clusters: 6)) {
            try clusters(of: SyntheticPictures(count: 5), clusters: 6)
        }
        // As many files as clusters, but one of them is no picture.
        #expect(throws: VocabularyError.fewerPicturesThanClusters(pictures: 4, clusters: 5)) {
            try clusters(of: SyntheticPictures(count: 5, broken: [0]), clusters: 5)
        }
        #expect(throws: PictureError.noReadablePicture(images: "synthetic", tried: 3)) {
            try clusters(of: SyntheticPictures(count: 3, broken: [0, 1, 2]))
        }
        #expect(throws: VocabularyError.tooFewPictures(found: 1, needed: 2)) {
            try clusters(of: SyntheticPictures(count: 1))
        }
        for isFloat in [true, false] {
            #expect(throws: ClusteringError.noVariance(rows: 6)) {
                try clusters(
                    of: CopiedPictures(count: 6, distinct: 1), clusters: 2, isFloat: isFloat)
            }
        }
        #expect(throws: VocabularyError.self) {
            try clusters(of: SyntheticPictures(count: 5), dimensions: 257)
        }
        #expect(throws: VocabularyError.self) {
            try clusters(of: SyntheticPictures(count: 5), whiten: 0.5)
        }
        var int8 = try backbone()
        int8.precision = .int8
        #expect(throws: FloatNetworkError.self) {
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
