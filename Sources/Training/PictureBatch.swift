package import Pictures
package import Tensors

/// Pictures that are worked on together.
package protocol PictureBatch: Sendable {
    /// How many.
    var pictureCount: Int { get }
}

extension CropBatch: PictureBatch {
    package var pictureCount: Int { count }
}

extension Tensor<Float>: PictureBatch {
    package var pictureCount: Int { shape[0] }
}
