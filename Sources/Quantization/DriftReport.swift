/// How far an int8 checkpoint is from the float one it was made from, measured on the same
/// pixels.
public struct DriftReport: Codable, Sendable, Equatable {
    /// The error of one layer's output, in the units of that output.
    public struct LayerDrift: Codable, Sendable, Equatable {
        /// The layer of the int8 network.
        public var layer: String
        /// The value of one 8-bit step.
        public var step: Float
        /// The rule that chose the range of the 8 bits; none for a maximum, which has its
        /// input's, or where it is not known.
        public var range: RangeRule?
        /// The root mean square of the float output, to compare the errors with.
        public var signal: Double
        /// The root mean square of int8 − float.
        public var error: Double
        /// The mean of int8 − float: a bias hides under a small maximum.
        public var meanError: Double
        /// The largest |int8 − float|.
        public var maximumError: Double

        private enum CodingKeys: String, CodingKey {
            case layer, step, range, signal, error
            case meanError = "mean_error"
            case maximumError = "maximum_error"
        }
    }

    /// The number of pictures measured.
    public var pictures: Int
    /// The number of them that the layers were measured on.
    public var layerPictures: Int
    /// Every layer with an 8-bit output, in order.
    public var layers: [LayerDrift]
    /// The mean cosine between float and int8 embeddings.
    public var meanCosine: Double
    /// The cosine that one picture in a hundred is at or below.
    public var firstPercentileCosine: Double
    /// The smallest cosine between a float and an int8 embedding.
    public var worstCosine: Double
    /// The share of pictures that are assigned to another cluster.
    public var changedClusters: Double
    /// The mean share of a picture's 10 nearest others that float and int8 embeddings agree on.
    public var neighbourOverlap: Double

    private enum CodingKeys: String, CodingKey {
        case pictures, layers
        case layerPictures = "layer_pictures"
        case meanCosine = "mean_cosine"
        case firstPercentileCosine = "first_percentile_cosine"
        case worstCosine = "worst_cosine"
        case changedClusters = "changed_clusters"
        case neighbourOverlap = "neighbour_overlap"
    }
}
