package import Pictures
package import Tensors

/// The pseudo-labels of an epoch, as far as the log tells of them.
package struct EpochClustering: Sendable {
    /// The cluster of each picture, in the first prototype set where there are several.
    package let assignments: [Int32]
    /// The mean objective of k-means over the pictures and the sets.
    package let objective: Double

    /// What the clustering of an epoch found.
    package init(assignments: [Int32], objective: Double) {
        (self.assignments, self.objective) = (assignments, objective)
    }
}

/// What differs between recipes: how pseudo-labels are made and how one step learns them.
///
/// `FitLoop` calls these in the order cluster, step, step, …, cluster, step, …, and can save
/// and restore what a recipe knows between any two of these calls.
package protocol EpochRecipe: AnyObject {
    /// The weights and running statistics of the backbone, without any head.
    var backbone: [String: Tensor<Float>] { get }

    /// The number of clusters that the assignments count, with those that are empty.
    var clusterCount: Int { get }

    /// Takes weights to begin with in place of random ones.
    ///
    /// - Parameter backbone: The backbone's weights and running statistics by name.
    /// - Throws: `TrainingError` where they do not fit the network.
    func load(backbone: [String: Tensor<Float>]) throws

    /// The shipped network's features of a batch, in evaluation mode.
    func features(of batch: Tensor<Float>) -> Tensor<Float>

    /// Does what must happen once before the first epoch.
    func prepare(_ work: FitWork) throws

    /// Makes the pseudo-labels of an epoch.
    func cluster(epoch: Int, _ work: FitWork) throws -> EpochClustering

    /// The crops of each step of an epoch.
    func requests(epoch: Int) -> [[CropRequest]]

    /// Learns from one batch.
    ///
    /// - Parameters:
    ///   - batch: The crops, in the order of `requests`.
    ///   - requests: Whose crops they are.
    ///   - step: Which step it is.
    /// - Returns: The mean loss.
    func step(_ batch: CropBatch, of requests: [CropRequest], at step: Step) -> Float

    /// The learning rate of a step.
    func learningRate(at step: Step) -> Float

    /// Adds all that the recipe knows to a state.
    func save(to state: inout TrainingState)

    /// Takes back what `save` stored.
    func restore(from state: TrainingState) throws

    /// Makes up pseudo-labels, to measure the speed of steps without an epoch's clustering.
    func useArbitraryLabels()
}

/// A step of a run.
package struct Step: Sendable {
    /// The epoch, from 0.
    package let epoch: Int
    /// Its number within the epoch, from 0.
    package let index: Int
    /// The number of steps in an epoch.
    package let count: Int
}

extension Recipe {
    /// The recipe at its beginning.
    func makeRecipe(_ settings: FitSettings, pictures: Int) throws -> any EpochRecipe {
        switch self {
        case .v1: try DeepCluster(settings, pictures: pictures)
        case .v2: try DeepClusterV2(settings, pictures: pictures)
        }
    }
}
