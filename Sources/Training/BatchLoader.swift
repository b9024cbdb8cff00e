package import Imaging
private import Model
package import Tensors

/// One crop of a training step.
package struct CropRequest: Sendable, Equatable {
    /// The picture's number in the store.
    package let picture: Int
    /// Where in the epoch the crop is, which decides its random choices.
    package let place: Int

    /// A crop of a picture.
    package init(picture: Int, place: Int) {
        (self.picture, self.place) = (picture, place)
    }
}

/// Turns stored pictures into normalized batches, on background threads ahead of their use.
package struct BatchLoader: Sendable {
    /// The pictures.
    package let store: PictureStore
    private let augmentation: Augmentation
    private let seed: UInt64
    private let threads: Int
    private let table: [Float]

    /// A loader of the pictures of `store`.
    ///
    /// - Parameters:
    ///   - store: The pictures.
    ///   - augmentation: How crops are drawn.
    ///   - seed: The run's seed.
    ///   - threads: How many batches are made at once.
    package init(
        _ store: PictureStore, augmentation: Augmentation, seed: UInt64, threads: Int
    ) {
        (self.store, self.augmentation) = (store, augmentation)
        (self.seed, self.threads) = (seed, threads)
        table = store.input.normalizationTable()
    }

    /// Batches of random crops, `[n, height, width, 3]`.
    ///
    /// - Parameters:
    ///   - requests: The crops of each batch.
    ///   - first: The first batch to make, when a run goes on within an epoch.
    ///   - epoch: The epoch, which decides the crops.
    /// - Returns: The batches, in order.
    package func crops(
        _ requests: [[CropRequest]], from first: Int = 0, epoch: Int
    ) -> Prefetcher<Tensor<Float>> {
        Prefetcher(first..<requests.count, depth: threads + 1) { number in
            batch(of: requests[number].count) { index in
                let request = requests[number][index]
                var random = RandomStream.crop.generator(seed: seed, epoch, request.place)
                let input = store.input
                return augmentation.apply(
                    to: store.picture(request.picture), width: input.width,
                    height: input.height, using: &random
                ).pixels
            }
        }
    }

    /// The centre views of all pictures, in order and in batches of at most `size`.
    package func centerViews(batch size: Int) -> Prefetcher<Tensor<Float>> {
        let count = store.count
        return Prefetcher(0..<(count + size - 1) / size, depth: threads + 1) { number in
            let start = number * size
            return batch(of: min(size, count - start)) { store.centerView(start + $0) }
        }
    }

    private func batch(of count: Int, pixels: (Int) -> [UInt8]) -> Tensor<Float> {
        let (height, width) = (store.input.height, store.input.width)
        let size = height * width * 3
        let values = unsafe [Float](unsafeUninitializedCapacity: count * size) { buffer, filled in
            for index in 0..<count {
                let picture = pixels(index)
                precondition(picture.count == size, "\(picture.count) bytes, not \(size)")
                for pixel in 0..<height * width {
                    for channel in 0..<3 {
                        let value = table[256 * channel + Int(picture[3 * pixel + channel])]
                        unsafe buffer[index * size + 3 * pixel + channel] = value
                    }
                }
            }
            filled = count * size
        }
        return Tensor(values, shape: [count, height, width, 3])
    }
}
