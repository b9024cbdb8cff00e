internal import Clustering
import FloatNetworks
import Imaging
public import Model
import Pictures
package import Tensors

extension FitSettings {
    /// The backbone without a head.
    package var backbone: Network {
        if let initial { return initial.network }
        guard let network else { preconditionFailure("settings without a network") }
        return network.network(sobel: sobel)
    }

    /// How a picture becomes the network's input.
    ///
    /// JPEG files are decoded at no less than twice the size needed, which is several times
    /// quicker for photographs and nearly the same picture; a checkpoint to begin with has its
    /// own way.
    public var input: InputSpecification {
        if let initial { return initial.input }
        return Self.input(size: size)
    }

    /// The input of a network that begins with random weights, of `size` pixels a side.
    static func input(size: Int) -> InputSpecification {
        var input = InputSpecification.square(size)
        input.decode = .dct
        return input
    }

    /// The shape of the network's input for one picture.
    package var inputShape: Shape { [input.height, input.width, 3] }

    /// The number of values in the backbone's feature.
    var featureWidth: Int {
        let shapes = try? backbone.outputShapes(input: inputShape)
        return shapes?[backbone.feature]?.count ?? 0
    }

    /// The bytes of all layers' outputs for one crop.
    var activationBytes: Int {
        let shapes = (try? backbone.outputShapes(input: inputShape)) ?? [:]
        return MemoryLayout<Float>.size * shapes.values.reduce(0) { $0 + $1.count }
    }

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
    /// How the crops that are clustered and learnt from are drawn.
    var augmentation: Augmentation {
        switch recipe {
        case .v1:
            Augmentation(crop: RandomCrop(scale: cropScale...1, shape: .uniformOrSwapped))
        case .v2: augmentation(scale: cropScale...1)
        }
    }

    /// The crops of each size, as a loader makes them.
    var views: CropViews {
        var views = CropViews(large: augmentation)
        if let smallCrops {
            views.small = (
                augmentation(scale: smallCrops.least...smallCrops.most), smallCrops.size
            )
        }
        return views
    }

    private func augmentation(scale: ClosedRange<Float>) -> Augmentation {
        .v2(scale: scale, strength: jitter, grayscale: grayscale, blur: blur)
    }

    /// The number of crops of a picture in an epoch.
    var cropsPerPicture: Int {
        recipe == .v1 ? 1 : DeepClusterV2.largeCrops + (smallCrops?.count ?? 0)
    }
}

extension KMeansResult {
    /// The mean squared distance of a point to its centroid.
    var meanDistance: Double {
        squaredDistances.reduce(0) { $0 + Double($1) } / Double(max(1, squaredDistances.count))
    }
}
