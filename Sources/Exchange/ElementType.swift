/// The type of a stored tensor's elements.
enum ElementType: String {
    case float64, float32, float16, bfloat16
    case int64, int32, int16, int8, uint8, bool
    /// Bytes whose type the tensor says, not the storage.
    case untyped

    /// The size of one element in bytes.
    var size: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool, .untyped: 1
        }
    }

    /// The type of a PyTorch storage class, such as `FloatStorage`.
    init?(storageClass name: String) {
        let types: [String: ElementType] = [
            "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16,
            "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
            "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8,
            "BoolStorage": .bool, "UntypedStorage": .untyped,
        ]
        guard let type = types[name] else { return nil }
        self = type
    }

    /// The type of a safetensors entry, such as `BF16`.
    init?(safetensors name: String) {
        let types: [String: ElementType] = [
            "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16, "I64": .int64,
            "I32": .int32, "I16": .int16, "I8": .int8, "U8": .uint8, "BOOL": .bool,
        ]
        guard let type = types[name] else { return nil }
        self = type
    }
}

/// A number as it lies in a file, which becomes a Float.
protocol StoredElement: BitwiseCopyable {
    var float: Float { get }
}

extension Float: StoredElement {
    var float: Float { self }
}

extension Double: StoredElement {
    var float: Float { Float(self) }
}

extension Float16: StoredElement {
    var float: Float { Float(self) }
}

/// The upper half of a Float.
struct BFloat16: StoredElement {
    let bits: UInt16

    var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}
