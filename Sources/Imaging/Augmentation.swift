public import Tensors

/// How a picture is varied at random while a network trains.
///
/// The same generator gives the same pixels on every machine: nothing here depends on a
/// mathematical library or on the order of vector arithmetic.
public struct Augmentation: Sendable, Equatable {
    /// The part of the picture that is taken.
    public var crop: RandomCrop
    /// The probability that left and right are exchanged.
    public var flip: Float
    /// How colours are changed; `nil` leaves them alone.
    public var jitter: ColorJitter?
    /// The probability that the picture loses its colours.
    public var grayscale: Float
    /// The probability that the picture is blurred.
    public var blur: Float
    /// The blur's standard deviation, in pixels of the result.
    public var blurRadius: ClosedRange<Float>

    /// An augmentation of the given parts.
    public init(
        crop: RandomCrop, flip: Float = 0.5, jitter: ColorJitter? = nil, grayscale: Float = 0,
        blur: Float = 0, blurRadius: ClosedRange<Float> = 0.1...2
    ) {
        self.crop = crop
        self.flip = flip
        self.jitter = jitter
        self.grayscale = grayscale
        self.blur = blur
        self.blurRadius = blurRadius
    }

    /// DeepCluster's: random resized crop as of torchvision 0.2, and a flip.
    public static let deepCluster = Augmentation(
        crop: RandomCrop(scale: 0.08...1, shape: .uniformOrSwapped))

    /// DeepCluster-v2's, which is SimCLR's: crop, flip, colours, grey, blur.
    ///
    /// The crop's proportions are log-uniform, as in current torchvision.
    ///
    /// - Parameters:
    ///   - scale: The share of the picture's area that is taken.
    ///   - strength: Multiplies the jitter of 0.8, 0.8, 0.8 and 0.2; 0 leaves colours alone.
    ///   - grayscale: The probability that the picture loses its colours.
    ///   - blur: The probability of blur; the original's is 0.5, for pictures of 224 pixels.
    /// - Returns: The augmentation.
    public static func v2(
        scale: ClosedRange<Float> = 0.08...1, strength: Float = 1, grayscale: Float = 0.2,
        blur: Float = 0
    ) -> Augmentation {
        Augmentation(
            crop: RandomCrop(scale: scale, shape: .logUniform),
            jitter: strength == 0 ? nil : .simCLR(strength: strength),
            grayscale: grayscale, blur: blur)
    }

    /// A random view of the picture.
    ///
    /// - Parameters:
    ///   - picture: The picture.
    ///   - width: The width of the view.
    ///   - height: The height of the view.
    ///   - random: Decides everything that is left to chance.
    /// - Returns: A picture of `width` × `height`.
    public func apply(
        to picture: Picture, width: Int, height: Int, using random: inout SeededGenerator
    ) -> Picture {
        let box = crop.box(in: picture, using: &random)
        var view = picture.resized(
            x: box.x, y: box.y, width: box.width, height: box.height, toWidth: width,
            height: height)
        if random.happens(flip) { view = view.flippedHorizontally() }
        if let jitter, random.happens(jitter.probability) {
            view = jitter.apply(to: view, using: &random)
        }
        if random.happens(grayscale) { view = view.grayscale() }
        if random.happens(blur) { view = view.blurred(radius: random.uniform(in: blurRadius)) }
        return view
    }
}

extension SeededGenerator {
    /// Whether something of the given probability happens; decided without a draw where it is
    /// certain.
    mutating func happens(_ probability: Float) -> Bool {
        if probability <= 0 { return false }
        return probability >= 1 || uniform() < probability
    }
}
