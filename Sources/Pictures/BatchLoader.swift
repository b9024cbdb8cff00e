public import Imaging
private import Model
public import Tensors

/// One crop of a training step.
public struct CropRequest: Sendable, Equatable {
    /// The picture's number in the store.
    package let picture: Int
    /// Its number in the epoch, which decides its random choices.
    package let slot: Int
    /// Whether it is one of the small crops.
    package let isSmall: Bool

    /// A crop of a picture.
    public init(picture: Int, slot: Int, isSmall: Bool = false) {
        (self.picture, self.slot, self.isSmall) = (picture, slot, isSmall)
    }
}

/// How the crops of each size are drawn.
public struct CropViews: Sendable {
    /// Those of the network's own input size.
    package var large: Augmentation
    /// The small ones and their side in pixels, where there are any.
    package var small: (augmentation: Augmentation, size: Int)?

    /// Large crops alone.
    public init(large: Augmentation) { self.large = large }
}

/// The crops of one step, those of a size together.
public struct CropBatch: Sendable, Equatable {
    /// Crops of the network's own input size, `[n, height, width, 3]`.
    public let large: Tensor<Float>
    /// Small crops, `[m, size, size, 3]`.
    public let small: Tensor<Float>?

    /// Crops of one or two sizes.
    package init(large: Tensor<Float>, small: Tensor<Float>? = nil) {
        (self.large, self.small) = (large, small)
    }

    /// The number of crops.
    public var count: Int { large.shape[0] + (small?.shape[0] ?? 0) }
}

/// Turns stored pictures into normalized batches, on background threads ahead of their use.
public struct BatchLoader: Sendable {
    /// The pictures.
    public let store: PictureStore
    private let views: CropViews
    private let seed: UInt64
    private let threads: Int
    private let table: [Float]

    /// A loader of the pictures of `store`.
    ///
    /// - Parameters:
    ///   - store: The pictures.
    ///   - views: How crops are drawn.
    ///   - seed: The run's seed.
    ///   - threads: How many batches are made at once.
    public init(_ store: PictureStore, views: CropViews, seed: UInt64, threads: Int) {
        (self.store, self.views) = (store, views)
        (self.seed, self.threads) = (seed, threads)
        table = store.input.normalizationTable()
    }

    /// Batches of random crops.
    ///
    /// - Parameters:
    ///   - requests: The crops of each batch, the large ones first.
    ///   - first: The first batch to make, when a run goes on within an epoch.
    ///   - epoch: The epoch, which decides the crops.
    /// - Returns: The batches, in order.
    public func crops(
        _ requests: [[CropRequest]], from first: Int = 0, epoch: Int
    ) -> Prefetcher<CropBatch> {
        Prefetcher(first..<requests.count, depth: threads + 1) { number in
            let large = requests[number].prefix { !$0.isSmall }
            let small = requests[number].dropFirst(large.count)
            let input = store.input
            return CropBatch(
                large: batch(of: large, views.large, input.width, input.height, epoch),
                small: views.small.flatMap { view in
                    small.isEmpty
                        ? nil : batch(of: small, view.augmentation, view.size, view.size, epoch)
                })
        }
    }

    private func batch(
        of requests: ArraySlice<CropRequest>, _ augmentation: Augmentation, _ width: Int,
        _ height: Int, _ epoch: Int
    ) -> Tensor<Float> {
        batch(of: requests.count, width, height) { index in
            let request = requests[requests.startIndex + index]
            var random = RandomStream.crop.generator(seed: seed, epoch, request.slot)
            return augmentation.apply(
                to: store.picture(request.picture), width: width, height: height, using: &random
            ).pixels
        }
    }

    /// The centre views of all pictures, `[n, height, width, 3]`, in order and in batches of at
    /// most `size`.
    public func centerViews(batch size: Int) -> Prefetcher<Tensor<Float>> {
        centerViews(of: Array(0..<store.count), batch: size)
    }

    /// The centre views of some pictures, in the order given.
    package func centerViews(of pictures: [Int], batch size: Int) -> Prefetcher<Tensor<Float>> {
        let count = pictures.count
        let (width, height) = (store.input.width, store.input.height)
        return Prefetcher(0..<(count + size - 1) / size, depth: threads + 1) { number in
            let start = number * size
            return batch(of: min(size, count - start), width, height) {
                store.centerView(pictures[start + $0])
            }
        }
    }

    private func batch(
        of count: Int, _ width: Int, _ height: Int, pixels: (Int) -> [UInt8]
    ) -> Tensor<Float> {
        let size = height * width * 3
        let table = table.span
        let values = unsafe [Float](unsafeUninitializedCapacity: count * size) { buffer, filled in
            for index in 0..<count {
                let picture = pixels(index)
                precondition(picture.count == size, "\(picture.count) bytes, not \(size)")
                let bytes = picture.span
                for channel in 0..<3 {
                    let values = table.extracting(256 * channel..<256 * (channel + 1))
                    for at in stride(from: channel, to: size, by: 3) {
                        unsafe buffer[index * size + at] =
                            values[unchecked: Int(bytes[unchecked: at])]
                    }
                }
            }
            filled = count * size
        }
        return Tensor(values, shape: [count, height, width, 3])
    }
}
