package import Tensors

/// A random part of a picture, of random size and proportions.
///
/// Ten tries are made to fit a rectangle of a random share of the area and random proportions;
/// then a part of the centre is taken.
///
/// Source: torchvision's `RandomResizedCrop`, of version 0.2.0 and of today.
public struct RandomCrop: Sendable, Equatable {
    /// How the ratio of width to height is drawn, from 3/4 to 4/3.
    public enum Shape: Sendable, Equatable {
        /// Uniformly, and width and height are then swapped half of the time; when no try fits,
        /// the centred square. DeepCluster was trained so.
        case uniformOrSwapped
        /// Uniformly in the logarithm; when no try fits, as much of the centre as the ratio's
        /// bounds allow. What torchvision does today.
        case logUniform
    }

    /// The share of the picture's area, within (0, 1].
    public var scale: ClosedRange<Float>
    /// How the proportions are drawn.
    public var shape: Shape

    /// A crop of the given share and proportions.
    public init(scale: ClosedRange<Float>, shape: Shape) {
        precondition(
            scale.lowerBound > 0 && scale.upperBound <= 1, "a share of \(scale) of the area")
        self.scale = scale
        self.shape = shape
    }

    private static let ratio = 3.0 / 4...4.0 / 3

    /// A random part of `picture`.
    package func box(in picture: Picture, using random: inout SeededGenerator) -> PixelBox {
        for _ in 0..<10 {
            let area =
                Double(picture.width * picture.height) * Double(random.uniform(in: scale))
            let ratio = drawRatio(using: &random)
            var width = Int((area * ratio).squareRoot().rounded(.toNearestOrEven))
            var height = Int((area / ratio).squareRoot().rounded(.toNearestOrEven))
            if shape == .uniformOrSwapped, random.uniform() < 0.5 { swap(&width, &height) }
            if (1...picture.width).contains(width), (1...picture.height).contains(height) {
                return PixelBox(
                    x: random.index(below: picture.width - width + 1),
                    y: random.index(below: picture.height - height + 1),
                    width: width, height: height)
            }
        }
        return centre(of: picture)
    }

    private func drawRatio(using random: inout SeededGenerator) -> Double {
        let position = Double(random.uniform())
        let (low, high) = (Self.ratio.lowerBound, Self.ratio.upperBound)
        switch shape {
        case .uniformOrSwapped: return low + (high - low) * position
        // ln(4/3) = 0.28768…; the bounds are each other's inverse.
        case .logUniform: return exponential(0.287_682_072_451_780_9 * (2 * position - 1))
        }
    }

    private func centre(of picture: Picture) -> PixelBox {
        var (width, height) = (picture.width, picture.height)
        switch shape {
        case .uniformOrSwapped:
            (width, height) = (min(width, height), min(width, height))
        case .logUniform:
            let ratio = Double(width) / Double(height)
            if ratio < Self.ratio.lowerBound {
                height = min(height, Int((Double(width) / Self.ratio.lowerBound).rounded()))
            } else if ratio > Self.ratio.upperBound {
                width = min(width, Int((Double(height) * Self.ratio.upperBound).rounded()))
            }
        }
        return PixelBox(
            x: (picture.width - width) / 2, y: (picture.height - height) / 2, width: width,
            height: height)
    }
}

/// eˣ for x from −16 to 16, to about 13 digits.
///
/// The C library's answer may differ in the last bit from one processor to another, and a crop
/// would then be another one. Taylor's series on x / 16, then four squarings.
package func exponential(_ x: Double) -> Double {
    let small = x / 16
    var (term, sum) = (1.0, 1.0)
    for n in 1...20 {
        term = term * small / Double(n)
        sum += term
    }
    for _ in 0..<4 { sum *= sum }
    return sum
}
