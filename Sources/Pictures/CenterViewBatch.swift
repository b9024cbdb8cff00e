private import Imaging
package import Model

/// The centre views of some pictures of a source, for one pass over all of them.
///
/// Unlike a `PictureStore` it keeps nothing: a frozen network sees every picture once.
package struct CenterViewBatch: Sendable {
    /// The numbers, in the source, of the pictures that could be read.
    package private(set) var pictures: [Int] = []
    /// Their pixels, `[n, height, width, 3]`.
    package private(set) var pixels: [UInt8] = []
    /// The files that cannot be read.
    package private(set) var skipped: [SkippedFile] = []

    private init(
        _ numbers: ArraySlice<Int>, of source: any PictureSource, for input: InputSpecification
    ) {
        pixels.reserveCapacity(numbers.count * input.height * input.width * 3)
        for number in numbers {
            do {
                pixels += try source.picture(at: number, for: input).centerView(for: input).pixels
                pictures.append(number)
            } catch {
                skipped.append(
                    SkippedFile(path: source.path(of: number), reason: "\(error)"))
            }
        }
    }

    /// All pictures of `source`, decoded ahead of their use.
    ///
    /// - Parameters:
    ///   - source: The pictures.
    ///   - order: Their numbers in the order in which they are wanted, that of the source unless
    ///     given.
    ///   - input: The input that views are made for.
    ///   - size: The number of pictures in a batch, readable or not.
    ///   - threads: How many batches are decoded at once.
    /// - Returns: The batches, of which some may hold no readable picture.
    package static func all(
        of source: any PictureSource, in order: [Int]? = nil, for input: InputSpecification,
        size: Int, threads: Int
    ) -> Prefetcher<CenterViewBatch> {
        let order = order ?? Array(0..<source.count)
        let count = order.count
        return Prefetcher(0..<(count + size - 1) / size, depth: threads + 1) { number in
            CenterViewBatch(
                order[number * size..<min(count, (number + 1) * size)], of: source, for: input)
        }
    }
}
