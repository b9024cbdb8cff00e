public import Files
public import Tensors

/// Writes tensors as NumPy's `.npy` files, which most tools for numbers read.
///
/// Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays", version 1.0.
public enum NumpyFile {
    /// Writes floating-point numbers.
    ///
    /// - Parameters:
    ///   - tensor: The array.
    ///   - path: The file, replaced where it is there.
    /// - Throws: `SystemCallError` where it cannot be written.
    public static func write(_ tensor: Tensor<Float>, to path: String) throws(SystemCallError) {
        try write(tensor, type: "<f4", to: path)
    }

    /// Writes bytes.
    ///
    /// - Parameters:
    ///   - tensor: The array.
    ///   - path: The file, replaced where it is there.
    /// - Throws: `SystemCallError` where it cannot be written.
    public static func write(_ tensor: Tensor<UInt8>, to path: String) throws(SystemCallError) {
        try write(tensor, type: "|u1", to: path)
    }

    private static func write<Element>(
        _ tensor: Tensor<Element>, type: String, to path: String
    ) throws(SystemCallError) {
        try DurableFile.write(to: FilePath(path)) { (file) throws(SystemCallError) in
            try file.append(header(type: type, shape: tensor.shape))
            try file.append(tensor.elements)
        }
    }

    /// The magic string, the version, the length of the description, and the description
    /// padded so that the numbers begin at a multiple of 64 bytes.
    package static func header(type: String, shape: Shape) -> [UInt8] {
        // Python needs the comma behind a single extent, and allows it behind others.
        let extents = shape.extents.map { "\($0), " }.joined()
        let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }"
        let length = (10 + text.utf8.count + 1 + 63) / 64 * 64 - 10
        let padding = String(repeating: " ", count: length - text.utf8.count - 1)
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
            + Array("\(text)\(padding)\n".utf8)
    }
}
