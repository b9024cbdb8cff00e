import Foundation
import Tensors

/// A graph of ONNX operations as it grows.
struct ONNXGraph {
    private(set) var graph = Onnx_GraphProto()
    private var constants: Set<String> = []

    /// An attribute of an operation.
    enum Attribute {
        case int(Int)
        case ints([Int])
        case float(Float)
    }

    init(name: String) { graph.name = name }

    /// Adds an operation.
    ///
    /// - Parameters:
    ///   - operation: Its name in the standard.
    ///   - inputs: The values it reads, of which the last ones may be left out.
    ///   - output: The value it makes, which names the operation too.
    ///   - attributes: Its attributes by name.
    mutating func add(
        _ operation: String, _ inputs: [String], _ output: String,
        _ attributes: [(String, Attribute)] = []
    ) {
        var node = Onnx_NodeProto()
        node.opType = operation
        node.name = "\(operation):\(output)"
        node.input = inputs
        node.output = [output]
        node.attribute = attributes.map { name, value in
            var attribute = Onnx_AttributeProto()
            attribute.name = name
            switch value {
            case .int(let number): (attribute.type, attribute.i) = (.int, Int64(number))
            case .ints(let list): (attribute.type, attribute.ints) = (.ints, list.map(Int64.init))
            case .float(let number): (attribute.type, attribute.f) = (.float, number)
            }
            return attribute
        }
        graph.node.append(node)
    }

    /// Adds a constant, once for each name.
    ///
    /// - Returns: The name.
    mutating func constant(_ name: String, _ value: Tensor<some ONNXElement>) -> String {
        guard constants.insert(name).inserted else { return name }
        var tensor = Onnx_TensorProto()
        tensor.name = name
        tensor.dims = value.shape.extents.map(Int64.init)
        tensor.dataType = value.onnxType
        tensor.rawData = unsafe value.elements.withUnsafeBytes { unsafe Data($0) }
        graph.initializer.append(tensor)
        return name
    }

    /// Adds a single number.
    mutating func constant(_ name: String, _ value: some ONNXElement) -> String {
        constant(name, Tensor([value], shape: []))
    }

    /// Adds an input of the graph; `nil` stands for the number of pictures.
    mutating func addInput(_ name: String, _ shape: [Int?], note: String) {
        graph.input.append(Self.value(name, shape, .float, note))
    }

    /// Adds an output of the graph.
    mutating func addOutput(
        _ name: String, _ shape: [Int?], _ type: Onnx_TensorProto.DataType = .float, note: String
    ) {
        graph.output.append(Self.value(name, shape, type, note))
    }

    private static func value(
        _ name: String, _ shape: [Int?], _ type: Onnx_TensorProto.DataType, _ note: String
    ) -> Onnx_ValueInfoProto {
        var value = Onnx_ValueInfoProto()
        value.name = name
        value.docString = note
        value.type.tensorType.elemType = Int32(type.rawValue)
        value.type.tensorType.shape.dim = shape.map { extent in
            var dimension = Onnx_TensorShapeProto.Dimension()
            if let extent {
                dimension.dimValue = Int64(extent)
            } else {
                dimension.dimParam = "pictures"
            }
            return dimension
        }
        return value
    }
}

/// A type of numbers that tensors of a graph hold; x86 and ARM have ONNX's byte order.
protocol ONNXElement: BitwiseCopyable, Sendable {
    static var onnxType: Onnx_TensorProto.DataType { get }
}

extension Float: ONNXElement {
    static var onnxType: Onnx_TensorProto.DataType { .float }
}

extension UInt8: ONNXElement {
    static var onnxType: Onnx_TensorProto.DataType { .uint8 }
}

extension Int8: ONNXElement {
    static var onnxType: Onnx_TensorProto.DataType { .int8 }
}

extension Int32: ONNXElement {
    static var onnxType: Onnx_TensorProto.DataType { .int32 }
}

extension Tensor where Element: ONNXElement {
    fileprivate var onnxType: Int32 { Int32(Element.onnxType.rawValue) }
}
