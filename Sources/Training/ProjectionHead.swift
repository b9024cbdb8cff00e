package import Model
private import Tensors

/// The layers between the backbone's feature and the embedding that v2 clusters: linear,
/// batch norm, ReLU, linear, unit length.
///
/// It takes up what pseudo-labels are too special for, so the feature before it stays general;
/// it is thrown away when the model ships.
package enum ProjectionHead {
    /// The number of values in an embedding.
    package static let dimension = 128
    private static let prefix = "head_"

    /// The backbone with a head on its feature.
    ///
    /// - Parameters:
    ///   - backbone: The network, which ends at its feature.
    ///   - input: Its input.
    /// - Returns: The network, which ends at a vector of unit length.
    /// - Throws: `NetworkError` where the backbone does not fit the input.
    package static func append(
        to backbone: Network, input: InputSpecification
    ) throws(NetworkError) -> Network {
        let shapes = try backbone.outputShapes(input: [input.height, input.width, 3])
        let width = min(512, shapes[backbone.feature]?.count ?? dimension)
        var network = backbone
        network.append("\(prefix)hidden", .linear(outputs: width, hasBias: true))
        network.append("\(prefix)norm", .batchNorm(epsilon: 1e-5))
        network.append("\(prefix)relu", .relu)
        network.append("\(prefix)output", .linear(outputs: dimension, hasBias: true))
        network.append("\(prefix)unit", .l2Normalize)
        return network
    }

    /// Whether a tensor belongs to the head.
    package static func owns(_ tensor: String) -> Bool { tensor.hasPrefix(prefix) }
}
