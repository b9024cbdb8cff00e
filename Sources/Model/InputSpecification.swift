package import Tensors

/// How a decoded picture becomes the network's input.
///
/// The short side is resized to `shortSide` as Pillow's bilinear filter does it, then the
/// centre `width` × `height` is cut out; pixels are normalized by `normalizationTable()`.
public struct InputSpecification: Codable, Sendable, Equatable {
    /// The width of the network's input, in pixels.
    public var width: Int
    /// The height of the network's input, in pixels.
    public var height: Int
    /// The length of the short side after resizing, at least `width` and `height`.
    public var shortSide: Int
    /// The mean of each channel (red, green, blue), for pixels from 0 to 1.
    public var mean: [Float]
    /// The standard deviation of each channel, for pixels from 0 to 1.
    public var standardDeviation: [Float]
    /// How JPEG files are decoded.
    public var decode: DecodeMode

    /// An input of the given size.
    public init(
        width: Int, height: Int, shortSide: Int, mean: [Float] = imageNetMean,
        standardDeviation: [Float] = imageNetStandardDeviation, decode: DecodeMode = .full
    ) {
        self.width = width
        self.height = height
        self.shortSide = shortSide
        self.mean = mean
        self.standardDeviation = standardDeviation
        self.decode = decode
    }

    /// A square input of `size` pixels, cut from a short side in the customary ratio of
    /// 256 to 224; below 64 pixels nothing is cut away.
    public static func square(_ size: Int) -> InputSpecification {
        InputSpecification(
            width: size, height: size, shortSide: size < 64 ? size : size * 256 / 224)
    }

    /// The mean of ImageNet's pictures, as DeepCluster and most pretrained networks use it.
    public static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
    /// The standard deviation that goes with `imageNetMean`.
    public static let imageNetStandardDeviation: [Float] = [0.229, 0.224, 0.225]

    /// The normalized value of every pixel value, `[3, 256]` row-major:
    /// `table[256·c + p] = (p / 255 − mean[c]) / standardDeviation[c]`.
    ///
    /// Training and inference share this table, so both see the same bits.
    public func normalizationTable() -> [Float] {
        (0..<3).flatMap { channel in
            (0..<256).map { (Float($0) / 255 - mean[channel]) / standardDeviation[channel] }
        }
    }

    /// Pixels as a float network reads them.
    ///
    /// - Parameters:
    ///   - pixels: `[count, height, width, 3]`.
    ///   - count: The number of pictures.
    /// - Returns: The normalized batch, `[count, height, width, 3]`.
    package func batch(of pixels: Span<UInt8>, count: Int) -> Tensor<Float> {
        let table = normalizationTable()
        return Tensor(
            pixels.indices.map { table[$0 % 3 * 256 + Int(pixels[$0])] },
            shape: [count, height, width, 3])
    }

    /// Why these values make no usable input, or `nil` where they do.
    var problem: String? {
        if !(1...4096).contains(width) || !(1...4096).contains(height) {
            return "its size is \(width)×\(height), not 1 to 4,096 pixels"
        }
        if !(max(width, height)...8192).contains(shortSide) {
            return "a short side of \(shortSide) cannot hold \(width)×\(height)"
        }
        if mean.count != 3 || standardDeviation.count != 3 {
            return "mean and standard deviation need three values each"
        }
        if !mean.allSatisfy({ $0.isFinite }) {
            return "a mean is not finite"
        }
        if !standardDeviation.allSatisfy({ $0.isFinite && $0 > 1e-6 }) {
            return "a standard deviation is not a positive number"
        }
        return nil
    }
}

/// How JPEG files are decoded before resizing.
public enum DecodeMode: String, Codable, Sendable {
    /// At full size.
    case full
    /// Scaled by the decoder to no less than twice the target size: quicker, and nearly the
    /// same picture.
    case dct
}
