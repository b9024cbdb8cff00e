import FloatNetworks
private import LinearAlgebra
package import Tensors

/// The loss of DeepCluster-v2: cross-entropy with fixed prototypes as the classifier.
package enum PrototypeLoss {
    /// The loss, averaged over rows and prototype sets, and its gradient.
    ///
    /// - Parameters:
    ///   - embeddings: Unit vectors `z`, `[n, d]`.
    ///   - prototypes: The rows `c` of each set, `[k, d]`; the logits are `z·c / temperature`.
    ///   - targets: For each set, the prototype of each row; −1 leaves the row out.
    ///   - temperature: What the dot products are divided by.
    /// - Returns: The loss, and its gradient with respect to the embeddings, `[n, d]`.
    package static func lossAndGradient(
        embeddings: Tensor<Float>, prototypes: [Tensor<Float>], targets: [[Int32]],
        temperature: Float
    ) -> (loss: Float, gradient: Tensor<Float>) {
        var total: Float = 0
        var gradient = [Float](repeating: 0, count: embeddings.count)
        for (set, labels) in zip(prototypes, targets) {
            var logits = embeddings.multiplied(by: set, transposeOther: true)
            logits.scale(by: 1 / temperature)
            let (loss, logitGradient) = SoftmaxCrossEntropy.lossAndGradient(
                logits: logits, labels: labels)
            total += loss
            let part = logitGradient.multiplied(by: set)
            let factor = 1 / (temperature * Float(prototypes.count))
            for i in gradient.indices { gradient[i] += factor * part.elements[i] }
        }
        return (total / Float(prototypes.count), Tensor(gradient, shape: embeddings.shape))
    }
}

extension Tensor<Float> {
    /// Multiplies every element by `factor`.
    mutating func scale(by factor: Float) {
        self = Tensor(elements.map { $0 * factor }, shape: shape)
    }
}
