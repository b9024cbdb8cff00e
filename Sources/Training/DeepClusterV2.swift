private import Clustering
import FloatNetworks
private import LinearAlgebra
private import Model
package import Pictures
package import Tensors

/// DeepCluster-v2: the centroids of the last epoch's embeddings are the classifier.
///
/// ```
/// bank ← embeddings of two random crops of each picture
/// repeat for each epoch:
///     prototypes, targets ← spherical k-means of the bank, for each prototype set
///     for each batch: bank, loss ← embeddings z, cross-entropy of z·prototypes/τ with targets
/// ```
///
/// Nothing learnt is thrown away between epochs, which is why it works on small sets where
/// the first version, with its new classifier each epoch, unlearns.
///
/// Source: Caron et al., "Unsupervised Learning of Visual Features by Contrasting Cluster
/// Assignments", NeurIPS 2020 (arXiv:2006.09882), appendix D.
package final class DeepClusterV2: EpochRecipe {
    /// The crops of a picture whose embeddings are clustered.
    static let largeCrops = 2
    /// The iterations of k-means, as in the published code.
    static let iterations = 10
    private let settings: FitSettings
    private let pictures: Int
    private let graph: Network
    private let network: TwoSizeNetwork
    /// The last embedding of each picture, one tensor a view, `[pictures, dimension]`.
    ///
    /// It is read between epochs only, when each picture has come once.
    private var bank: [Tensor<Float>]
    /// Unit vectors, one tensor a set, `[prototypes, dimension]`.
    private var prototypes: [Tensor<Float>] = []
    /// The prototype of each picture, one list a set.
    private var targets: [[Int32]] = []

    /// The recipe with random weights and an empty bank.
    package init(_ settings: FitSettings, pictures: Int) throws {
        (self.settings, self.pictures) = (settings, pictures)
        graph = try ProjectionHead.append(to: settings.backbone, input: settings.input)
        network = try TwoSizeNetwork(
            settings.randomNetwork(graph), smallSize: settings.smallCrops?.size)
        let empty = Tensor<Float>(repeating: 0, shape: [pictures, ProjectionHead.dimension])
        bank = [Tensor](repeating: empty, count: Self.largeCrops)
    }

    package var backbone: [String: Tensor<Float>] {
        network.tensors.filter { !ProjectionHead.owns($0.key) }
    }

    package var clusterCount: Int { settings.prototypes[0] }

    package func load(backbone: [String: Tensor<Float>]) throws {
        // The head's weights stay random.
        try network.load(network.tensors.merging(backbone) { $1 })
    }

    package func features(of batch: Tensor<Float>) -> Tensor<Float> {
        guard
            let feature = network.evaluate(batch, capturing: [graph.feature])
                .captured[graph.feature]
        else { preconditionFailure("'\(graph.feature)' was not captured") }
        return feature.reshaped(to: [batch.shape[0], feature.rowSize])
    }

    // MARK: Cluster

    package func prepare(_ work: FitWork) throws {
        // As in training: random crops and batch statistics.
        let steps = requests(epoch: -1).map { $0.filter { !$0.isSmall } }
        try work.phase(.filling, total: pictures * Self.largeCrops) {
            var step = 0
            try work.forEach(of: work.loader.crops(steps, epoch: -1)) { batch in
                var random = RandomStream.dropout.generator(seed: settings.seed, -1, step)
                keep(
                    network.forward(batch.large, using: &random), of: steps[step])
                step += 1
            }
        }
    }

    package func cluster(epoch: Int, _ work: FitWork) throws -> EpochClustering {
        try work.phase(.clustering, total: settings.prototypes.count) {
            var objective = 0.0
            prototypes = []
            targets = []
            for (set, count) in settings.prototypes.enumerated() {
                var random = RandomStream.clustering.generator(seed: settings.seed, epoch, set)
                let result = try KMeans(
                    clusters: count, iterations: Self.iterations,
                    seed: UInt32(truncatingIfNeeded: random.next()),
                    spherical: true
                ).fit(bank[set % Self.largeCrops])
                prototypes.append(result.centroids)
                targets.append(result.assignments)
                objective += result.meanDistance
                work.observer.advance(to: set + 1)
            }
            return EpochClustering(
                assignments: targets[0],
                objective: objective / Double(settings.prototypes.count))
        }
    }

    package func useArbitraryLabels() {
        var random = RandomStream.clustering.generator(seed: settings.seed)
        prototypes = settings.prototypes.map { count in
            let values = random.normals(count * ProjectionHead.dimension, deviation: 0.1)
            return Tensor(values, shape: [count, ProjectionHead.dimension])
        }
        targets = settings.prototypes.map { count in (0..<pictures).map { Int32($0 % count) } }
    }

    // MARK: Learn

    package func requests(epoch: Int) -> [[CropRequest]] {
        var random = RandomStream.order.generator(seed: settings.seed, epoch)
        let steps = StepPlan.split(random.permutation(pictures), batch: settings.batch)
        // Crops of a size together, the large ones first.
        return steps.map { chosen in
            (0..<settings.cropsPerPicture).flatMap { view in
                chosen.map { request(for: $0, view: view) }
            }
        }
    }

    /// A picture's large crops are numbered apart from the small ones, so that these change
    /// nothing of those.
    private func request(for picture: Int, view: Int) -> CropRequest {
        guard view >= Self.largeCrops else {
            return CropRequest(picture: picture, slot: picture * Self.largeCrops + view)
        }
        let small = settings.cropsPerPicture - Self.largeCrops
        return CropRequest(
            picture: picture,
            slot: Self.largeCrops * pictures + picture * small + view - Self.largeCrops,
            isSmall: true)
    }

    package func step(
        _ batch: CropBatch, of requests: [CropRequest], at step: Step
    ) -> Float {
        var random = RandomStream.dropout.generator(
            seed: settings.seed, step.epoch, step.index)
        let embeddings = network.forward(batch.large, small: batch.small, using: &random)
        keep(embeddings, of: requests)
        let (loss, gradient) = PrototypeLoss.lossAndGradient(
            embeddings: embeddings, prototypes: prototypes,
            targets: targets.map { set in requests.map { set[$0.picture] } },
            temperature: settings.temperature)
        network.backward(gradient)
        network.step(settings.optimizer(learningRate: learningRate(at: step)))
        return loss
    }

    package func learningRate(at step: Step) -> Float {
        CosineSchedule(
            peak: settings.learningRate, warmUp: settings.warmUp,
            steps: settings.epochs * step.count
        ).rate(at: step.epoch * step.count + step.index)
    }

    /// Writes the embeddings of a batch's large crops to the bank.
    private func keep(_ embeddings: Tensor<Float>, of requests: [CropRequest]) {
        let width = embeddings.rowSize
        for (row, request) in requests.enumerated() where !request.isSmall {
            let start = request.picture * width
            bank[request.slot % Self.largeCrops].elements.replaceSubrange(
                start..<start + width, with: embeddings[row: row])
        }
    }

    // MARK: State

    package func save(to state: inout TrainingState) {
        state.store(network.tensors, under: "network")
        state.store(network.velocities, under: "momentum")
        for view in 0..<Self.largeCrops {
            state.tensors["bank.\(view)"] = .float32(bank[view])
        }
        guard state.isClustered else { return }
        for (set, values) in prototypes.enumerated() {
            state.tensors["prototypes.\(set)"] = .float32(values)
            state.store(targets[set], as: "targets.\(set)")
        }
    }

    package func restore(from state: TrainingState) throws {
        try network.load(state.floats(under: "network"))
        try network.load(velocities: state.floats(under: "momentum"))
        // Older states keep the embeddings of the epoch under way apart.
        let bank = state.floats(under: "bank")
            .merging(state.floats(under: "next_bank")) { _, newer in newer }
        for view in 0..<Self.largeCrops {
            guard let values = bank["\(view)"] else {
                throw FloatNetworkError.missingTensor(name: "bank.\(view)")
            }
            self.bank[view] = values
        }
        let prototypes = state.floats(under: "prototypes")
        self.prototypes = settings.prototypes.indices.compactMap { prototypes["\($0)"] }
        targets = settings.prototypes.indices.compactMap { state.assignments("targets.\($0)") }
        let needed = state.isClustered ? settings.prototypes.count : 0
        guard self.prototypes.count >= needed, targets.count >= needed else {
            throw FloatNetworkError.missingTensor(name: "prototypes")
        }
    }
}
