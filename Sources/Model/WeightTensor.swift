public import Tensors

/// A tensor of a checkpoint, in one of the three element types that occur.
public enum WeightTensor: Sendable, Equatable {
    /// 32-bit floating point, `F32` in the file.
    case float32(Tensor<Float>)
    /// 8-bit signed integers, `I8` in the file.
    case int8(Tensor<Int8>)
    /// 32-bit signed integers, `I32` in the file.
    case int32(Tensor<Int32>)

    /// The tensor's shape.
    public var shape: Shape {
        switch self {
        case .float32(let tensor): tensor.shape
        case .int8(let tensor): tensor.shape
        case .int32(let tensor): tensor.shape
        }
    }

    /// The name of the element type in a safetensors header.
    var typeName: String {
        switch self {
        case .float32: "F32"
        case .int8: "I8"
        case .int32: "I32"
        }
    }

    /// The size of one element in bytes.
    package var elementSize: Int {
        switch self {
        case .float32, .int32: 4
        case .int8: 1
        }
    }
}
