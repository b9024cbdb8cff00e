import Tensors

/// Squared Euclidean distances to fixed centroids; k-means fits these, gradients do not.
final class CentroidsLayer: FloatLayer {
    private let centroids: Parameter
    private let clusters, dimension: Int

    init(_ centroids: Parameter) {
        self.centroids = centroids
        (clusters, dimension) = (centroids.shape[0], centroids.shape[1])
    }

    var parameters: [Parameter] { [centroids] }

    func forward(_ pass: LayerPass) {
        pass.team.forEachShare(of: pass.count) { _, pictures in
            for picture in pictures {
                let x = unsafe pass.inputs[0] + picture * dimension
                for cluster in 0..<clusters {
                    let centroid = unsafe centroids.value.base + cluster * dimension
                    var sum: Float = 0
                    for i in 0..<dimension {
                        let difference = unsafe x[i] - centroid[i]
                        sum += difference * difference
                    }
                    unsafe pass.output[picture * clusters + cluster] = sum
                }
            }
        }
    }

    func backward(_ pass: LayerPass) {
        preconditionFailure("centroids are fitted by k-means, not by gradients")
    }
}
