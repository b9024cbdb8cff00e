public import Model

extension Picture {
    /// The view that a network sees of a picture when nothing is left to chance: the short side
    /// resized to `input.shortSide`, the long side to the floor of what keeps the proportions,
    /// then the centre cut out.
    ///
    /// Only what the cut needs is computed, so a picture of one row and 100,000 columns costs
    /// no more than another.
    ///
    /// Source: torchvision's `Resize` and `CenterCrop`; the offset is round((size − wanted) / 2),
    /// halves to even as Python 3 rounds.
    ///
    /// - Returns: A picture of exactly `input.width` × `input.height`.
    public func centerView(for input: InputSpecification) -> Picture {
        // A specification that fits (see Checkpoint) has a short side of at least the cut.
        let shortSide = max(input.shortSide, input.width, input.height)
        let (short, long) = (min(width, height), max(width, height))
        let longSide = shortSide * long / short
        let (columns, rows) = width <= height ? (shortSide, longSide) : (longSide, shortSide)
        return Resampler(
            source: PixelBox(x: 0, y: 0, width: width, height: height),
            width: columns, height: rows,
            window: PixelBox(
                x: Self.offset(of: input.width, in: columns),
                y: Self.offset(of: input.height, in: rows),
                width: input.width, height: input.height)
        ).resample(self)
    }

    private static func offset(of wanted: Int, in size: Int) -> Int {
        Int((Double(size - wanted) / 2).rounded(.toNearestOrEven))
    }
}
