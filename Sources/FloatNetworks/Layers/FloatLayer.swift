/// Where a layer reads and writes during one pass over a batch.
///
/// All pointers are to dense NHWC activations of `count` pictures.
@safe
struct LayerPass {
    /// The number of pictures.
    let count: Int
    let team: ThreadTeam
    /// Whether batch statistics and dropout are in force.
    let isTraining: Bool
    /// Decides what this pass drops; the same seed drops the same elements.
    let seed: UInt64
    /// The inputs' values, valid in a backward pass only where the layer asked for them.
    let inputs: [UnsafeMutablePointer<Float>]
    /// The output's values; may be the first input's memory where the layer allows that.
    let output: UnsafeMutablePointer<Float>
    /// In a backward pass the gradient of the output.
    var outputGradient: UnsafeMutablePointer<Float>?
    /// In a backward pass where each input's gradient goes, nil where nobody wants it; may be
    /// the output gradient's memory where the layer allows that.
    var inputGradients: [InputGradient?] = []

    /// Where the gradient of one input goes.
    @safe
    struct InputGradient {
        let base: UnsafeMutablePointer<Float>
        /// Whether the gradient is added to what is there.
        let accumulates: Bool
    }
}

/// What one layer, or a few fused ones, compute, forward and backward.
protocol FloatLayer: AnyObject {
    /// The parameters it reads or trains.
    var parameters: [Parameter] { get }
    /// Whether the output may be written over the first input, and the gradient of an input
    /// over the gradient of the output.
    var worksInPlace: Bool { get }
    /// Whether the backward pass reads the inputs' values.
    var needsInputs: Bool { get }
    /// Whether the backward pass reads the output's values.
    var needsOutput: Bool { get }

    func forward(_ pass: LayerPass)
    /// Adds to the parameters' gradients and writes the inputs' gradients.
    func backward(_ pass: LayerPass)
}

extension FloatLayer {
    var parameters: [Parameter] { [] }
    var worksInPlace: Bool { false }
    var needsInputs: Bool { false }
    var needsOutput: Bool { false }
}

/// Scratch memory of a team, shared by all layers since only one runs at a time.
final class Workspace {
    private let columns: [Buffer<Float>]
    private let columnGradients: [Buffer<Float>]
    private let partials: [Buffer<Float>]
    private let sums: [Buffer<Double>]

    init(threads: Int) {
        columns = (0..<threads).map { _ in Buffer() }
        columnGradients = (0..<threads).map { _ in Buffer() }
        partials = (0..<threads).map { _ in Buffer() }
        sums = (0..<threads).map { _ in Buffer() }
    }

    /// A tile of convolution windows, one to a row.
    func columns(shard: Int, count: Int) -> UnsafeMutablePointer<Float> {
        columns[shard].reserve(count)
        return unsafe columns[shard].base
    }

    /// The gradient of such a tile.
    func columnGradients(shard: Int, count: Int) -> UnsafeMutablePointer<Float> {
        columnGradients[shard].reserve(count)
        return unsafe columnGradients[shard].base
    }

    /// A share's part of a parameter's gradient.
    func partial(shard: Int, count: Int) -> UnsafeMutablePointer<Float> {
        partials[shard].reserve(count)
        return unsafe partials[shard].base
    }

    /// The buffers of `partial` for the given shares.
    func partials(_ shards: [Int]) -> [Buffer<Float>] { shards.map { partials[$0] } }

    /// A share's sums over rows.
    func sums(shard: Int, count: Int) -> UnsafeMutablePointer<Double> {
        sums[shard].reserve(count)
        return unsafe sums[shard].base
    }
}
