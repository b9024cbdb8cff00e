private import Clustering
import FloatNetworks
private import Model
package import Pictures
package import Tensors
import Vocabulary

/// DeepCluster as published in 2018.
///
/// ```
/// repeat for each epoch:
///     features ← the network, in evaluation mode, on the centre view of each picture
///     labels ← k-means of the features, PCA-whitened to 256 dimensions, rows of unit length
///     head ← a new random linear layer, since cluster numbers mean nothing across epochs
///     for each batch, drawn so that clusters are equally frequent:
///         loss ← cross-entropy of the head on ReLU(features of random crops) with labels
/// ```
///
/// The backbone's momentum goes on across epochs; the head is trained without momentum.
///
/// Source: Caron et al., "Deep Clustering for Unsupervised Learning of Visual Features", ECCV
/// 2018 (arXiv:1807.05520), and its released code.
package final class DeepCluster: EpochRecipe {
    /// The whitening exponent of the features that are clustered, as in the released code.
    static let whitening: Float = -0.5
    /// The iterations of k-means, as in the released code.
    static let iterations = 20
    private let settings: FitSettings
    private let pictures: Int
    private let network: FloatNetwork
    private var head: ClassifierHead
    /// The cluster of each picture in the epoch under way.
    private var assignments: [Int32] = []
    private var labels: DenseLabels
    /// The number of clusters of the epoch under way, with those that are empty.
    package private(set) var clusterCount: Int

    /// The recipe with random weights.
    package init(_ settings: FitSettings, pictures: Int) throws {
        (self.settings, self.pictures) = (settings, pictures)
        network = try settings.randomNetwork(settings.backbone)
        clusterCount = settings.clusters
        head = ClassifierHead(inputs: settings.featureWidth, classes: clusterCount)
        labels = DenseLabels(assignments: [], clusters: clusterCount)
    }

    package var backbone: [String: Tensor<Float>] { network.tensors }

    package func load(backbone: [String: Tensor<Float>]) throws {
        try network.load(backbone)
    }

    package func features(of batch: Tensor<Float>) -> Tensor<Float> {
        let output = network.evaluate(batch).output
        return output.reshaped(to: [batch.shape[0], output.rowSize])
    }

    // MARK: Cluster

    package func prepare(_ work: FitWork) {}

    package func cluster(epoch: Int, _ work: FitWork) throws -> EpochClustering {
        let points = try work.embeddings(.features, from: self, settings, exponent: Self.whitening)
            .rows
        return try work.phase(.clustering, total: 0) {
            let objective = try relabel(by: points, epoch: epoch, work.observer)
            var weights = RandomStream.head.generator(seed: settings.seed, epoch)
            head = ClassifierHead(inputs: settings.featureWidth, classes: clusterCount)
            head.reset(using: &weights)
            return EpochClustering(assignments: assignments, objective: objective)
        }
    }

    /// Clusters the pictures' embeddings.
    ///
    /// - Returns: The mean squared distance to the centroid; 0 where there are no centroids.
    private func relabel(
        by points: Tensor<Float>, epoch: Int, _ observer: any FitObserver
    ) throws -> Double {
        switch settings.clustering {
        case .kmeans:
            var random = RandomStream.clustering.generator(seed: settings.seed, epoch)
            let result = try KMeans(
                clusters: settings.clusters, iterations: Self.iterations,
                seed: UInt32(truncatingIfNeeded: random.next())
            ).fit(points)
            relabel(result.assignments, clusters: settings.clusters)
            return result.meanDistance
        case .pic:
            let result = try PowerIterationClustering().fit(points)
            if result.clusters > pictures / 2 {
                observer.note(
                    "PIC makes \(result.clusters) clusters of \(pictures) pictures, since few are near "
                        + "enough to each other: --clustering kmeans has something to learn from")
            }
            relabel(result.assignments, clusters: result.clusters)
            return 0
        }
    }

    package func useArbitraryLabels() {
        relabel(
            (0..<pictures).map { Int32($0 % settings.clusters) }, clusters: settings.clusters)
    }

    private func relabel(_ assignments: [Int32], clusters: Int) {
        self.assignments = assignments
        clusterCount = clusters
        labels = DenseLabels(assignments: assignments, clusters: clusters)
    }

    // MARK: Learn

    package func requests(epoch: Int) -> [[CropRequest]] {
        var random = RandomStream.order.generator(seed: settings.seed, epoch)
        let draw =
            switch settings.sampler {
            case .uniform: UniformSampler.draw
            case .reference: UniformSampler.drawAsReleased
            }
        let count = Int(settings.reassign * Double(pictures))
        let drawn = draw(assignments, clusterCount, count, &random)
        let requests = drawn.enumerated().map { CropRequest(picture: $1, slot: $0) }
        return StepPlan.split(requests, batch: settings.batch)
    }

    package func step(
        _ batch: CropBatch, of requests: [CropRequest], at step: Step
    ) -> Float {
        var random = RandomStream.dropout.generator(
            seed: settings.seed, step.epoch, step.index)
        let output = network.forward(batch.large, using: &random)
        // The features are clustered raw and learnt from through a ReLU.
        let features = output.reshaped(to: [requests.count, output.rowSize])
        let (loss, gradient) = head.learn(
            from: features, labels: requests.map { labels.labels[$0.picture] },
            learningRate: settings.learningRate, weightDecay: settings.weightDecay)
        network.backward(gradient.reshaped(to: output.shape))
        network.step(settings.optimizer(learningRate: settings.learningRate))
        return loss
    }

    package func learningRate(at step: Step) -> Float { settings.learningRate }

    // MARK: State

    package func save(to state: inout TrainingState) {
        state.store(network.tensors, under: "network")
        state.store(network.velocities, under: "momentum")
        guard state.isClustered else { return }
        state.store(["weight": head.weight, "bias": head.bias], under: "head")
    }

    package func restore(from state: TrainingState) throws {
        try network.load(state.floats(under: "network"))
        try network.load(velocities: state.floats(under: "momentum"))
        guard state.isClustered else { return }
        let head = state.floats(under: "head")
        guard let weight = head["weight"], let bias = head["bias"],
            let assignments = state.assignments("assignments")
        else { throw FloatNetworkError.missingTensor(name: "head") }
        (self.head.weight, self.head.bias) = (weight, bias)
        relabel(assignments, clusters: bias.count)
    }
}
