internal import Clustering
import Imaging
package import Model
package import Tensors

extension FitSettings {
    /// The backbone without a head.
    package var backbone: Network { network.network(sobel: sobel) }

    /// The shape of the network's input for one picture.
    package var inputShape: Shape { [size, size, 3] }

    /// A network with the random weights that the seed decides.
    func randomNetwork(_ graph: Network) throws -> FloatNetwork {
        var random = RandomStream.weights.generator(seed: seed)
        let tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: inputShape, using: &random)
        return try FloatNetwork(
            network: graph, inputShape: inputShape, tensors: tensors, threads: threads)
    }

    /// The backbone's SGD at a learning rate.
    func optimizer(learningRate: Float) -> SGD {
        SGD(learningRate: learningRate, momentum: momentum, weightDecay: weightDecay)
    }
}

extension FitSettings {
    /// How crops are drawn.
    var augmentation: Augmentation {
        switch recipe {
        case .v1:
            Augmentation(crop: RandomCrop(scale: cropScale...1, shape: .uniformOrSwapped))
        // Blur is for pictures that have detail to lose.
        case .v2: .v2(scale: cropScale...1, strength: jitter, blur: size < 128 ? 0 : 0.5)
        }
    }

    /// The number of clusters that an epoch's log tells of.
    var loggedClusters: Int { recipe == .v1 ? clusters : prototypes[0] }
}

extension KMeansResult {
    /// The mean squared distance of a point to its centroid.
    var meanDistance: Double {
        distances.reduce(0) { $0 + Double($1) } / Double(max(1, distances.count))
    }
}
