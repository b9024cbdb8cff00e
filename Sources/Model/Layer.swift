/// One layer of a network: a name, what it computes and where its inputs come from.
public struct Layer: Codable, Sendable, Equatable {
    /// The layer's name, unique in its network; its tensors are named after it.
    public var name: String
    /// What the layer computes.
    public var kind: LayerKind
    /// The names of the layers whose outputs it reads, or `Network.input`.
    public var inputs: [String]

    /// A layer that reads the outputs of the named layers.
    public init(_ name: String, _ kind: LayerKind, inputs: [String]) {
        self.name = name
        self.kind = kind
        self.inputs = inputs
    }
}

/// What a layer computes, with its hyper-parameters.
public enum LayerKind: Sendable, Equatable {
    /// The fixed edge filter of DeepCluster: the grey mean of three channels, then the
    /// horizontal and the vertical Sobel gradient, 3×3 with zero padding 1. It has no tensors.
    case sobel
    /// A convolution (cross-correlation) with filters `[outC, kH, kW, inC / groups]`.
    case convolution(Convolution)
    /// Batch normalization over all dimensions but the last.
    case batchNorm(epsilon: Float)
    /// `max(x, 0)`.
    case relu
    /// `min(max(x, 0), 6)`.
    case relu6
    /// The maximum over the window's positions inside the map.
    case maxPool(Pooling)
    /// The mean over the window.
    case averagePool(Pooling)
    /// The mean over the whole map, `[H, W, C]` → `[C]`.
    case globalAveragePool
    /// A linear map of the input flattened in H, W, C order, `[outputs]`.
    case linear(outputs: Int, hasBias: Bool)
    /// Inverted dropout while training, the identity otherwise.
    case dropout(probability: Float)
    /// The sum of two inputs of the same shape.
    case add
    /// The input divided by its Euclidean norm; a zero vector stays zero.
    case l2Normalize
    /// Squared Euclidean distances to `count` centroids, `[D]` → `[count]`.
    case centroids(count: Int)
}

/// Rows and columns of zeros added around a map.
public struct Padding: Sendable, Equatable {
    /// Rows added above the map.
    public var top: Int
    /// Columns added to the left.
    public var left: Int
    /// Rows added below.
    public var bottom: Int
    /// Columns added to the right.
    public var right: Int

    /// A padding given edge by edge.
    public init(top: Int, left: Int, bottom: Int, right: Int) {
        (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
    }

    /// The same padding on every edge.
    public init(_ all: Int) {
        self.init(top: all, left: all, bottom: all, right: all)
    }
}

/// The hyper-parameters of a convolution.
public struct Convolution: Sendable, Equatable {
    /// The number of output channels.
    public var outputs: Int
    /// The filter's height.
    public var kernelHeight: Int
    /// The filter's width.
    public var kernelWidth: Int
    /// The step between windows, the same in both directions.
    public var stride: Int
    /// Zeros around the input.
    public var padding: Padding
    /// The number of groups the channels are split into; 1 is a dense convolution, the
    /// number of input channels a depthwise one.
    public var groups: Int
    /// Whether a bias is added.
    public var hasBias: Bool

    /// A convolution with square filters.
    public init(
        outputs: Int, kernel: Int, stride: Int = 1, padding: Padding = Padding(0),
        groups: Int = 1, hasBias: Bool = true
    ) {
        self.outputs = outputs
        kernelHeight = kernel
        kernelWidth = kernel
        self.stride = stride
        self.padding = padding
        self.groups = groups
        self.hasBias = hasBias
    }
}

/// The hyper-parameters of a pooling layer.
public struct Pooling: Sendable, Equatable {
    /// The side of the square window.
    public var kernel: Int
    /// The step between windows.
    public var stride: Int
    /// Padding around the input; a maximum ignores it.
    public var padding: Padding
    /// Whether an average divides by the whole window, padding included, or only by the
    /// number of positions inside the map.
    ///
    /// A maximum ignores it.
    public var countsPadding: Bool

    /// A pooling window.
    public init(
        kernel: Int, stride: Int, padding: Padding = Padding(0), countsPadding: Bool = true
    ) {
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.countsPadding = countsPadding
    }
}
