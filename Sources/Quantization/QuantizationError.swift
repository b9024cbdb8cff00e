public import FloatNetworks
public import Inference
public import Model
public import Tensors

/// The reasons a checkpoint cannot be quantized.
public enum QuantizationError: Error, Sendable {
    /// The checkpoint's weights are not floating-point numbers.
    case wrongPrecision(found: Precision)
    /// The checkpoint has no projection, normalization and centroids yet.
    case notClustered(missing: String)
    /// A layer has no integer form, for the given reason.
    case unsupportedLayer(name: String, reason: String)
    /// Weights of this width are not offered.
    case unsupportedWeightBits(found: Int)
    /// There is no picture to calibrate with.
    case noPictures
    /// The calibration pictures are not what the network reads.
    case wrongPictureShape(found: Shape, expected: Shape)
    /// The int8 checkpoint was not made from the float one.
    case differentNetworks
    /// A layer's output or a weight is infinite or not a number.
    case notFinite(layer: String)
    /// The network does not fit together.
    case network(NetworkError)
    /// The checkpoint lacks a tensor or holds it in another shape.
    case checkpoint(CheckpointError)
    /// The float network could not be run.
    case floatNetwork(FloatNetworkError)
    /// The int8 network could not be run.
    case inference(InferenceError)
}

extension QuantizationError: CustomStringConvertible {
    /// What is wrong and what to do about it.
    public var description: String {
        switch self {
        case .wrongPrecision(let found):
            "its precision is \(found.rawValue): quantize the float32 checkpoint it was made from"
        case .notClustered(let missing):
            "it has no '\(missing)' layer: run 'dctrain cluster --float' or finish 'dctrain fit' first"
        case .unsupportedLayer(let name, let reason):
            "layer '\(name)' has no int8 form: \(reason)"
        case .unsupportedWeightBits(let found):
            "weights of \(found) bits are not offered: choose 7 or 8"
        case .noPictures:
            "no calibration picture could be read: give a folder with JPEG or PNG pictures"
        case .wrongPictureShape(let found, let expected):
            "the calibration pictures are \(found), the network reads \(expected)"
        case .differentNetworks:
            "the int8 network is not the float one's: give the checkpoint it was made from"
        case .notFinite(let layer):
            "layer '\(layer)' gives values that are not finite: the training has diverged, "
                + "use an earlier checkpoint"
        case .network(let error): error.description
        case .checkpoint(let error): error.description
        case .floatNetwork(let error): error.description
        case .inference(let error): error.description
        }
    }
}
