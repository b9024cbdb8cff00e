import RealModule
package import Tensors

/// The softmax of each row of scores against its label, averaged over the batch.
package enum SoftmaxCrossEntropy {
    /// The label of a row that takes no part.
    package static let ignored: Int32 = -1

    /// The mean loss `−log softmax(logits)[label]` and its gradient.
    ///
    /// - Parameters:
    ///   - logits: `[n, classes]`.
    ///   - labels: One a row, below `classes`, or `ignored`.
    /// - Returns: The mean over the rows that are not ignored, and the gradient, `[n, classes]`;
    ///   both zero where every row is ignored.
    package static func lossAndGradient(
        logits: Tensor<Float>, labels: [Int32]
    ) -> (loss: Float, gradient: Tensor<Float>) {
        let (rows, classes) = (logits.shape[0], logits.rowSize)
        precondition(labels.count == rows, "\(labels.count) labels for \(rows) rows")
        var gradient = logits
        let counted = labels.count { $0 != ignored }
        var losses = [Double](repeating: 0, count: rows)
        unsafe gradient.elements.withUnsafeMutableBufferPointer { scores in
            unsafe losses.withUnsafeMutableBufferPointer { losses in
                let (scores, losses) = unsafe (scores, losses)
                ThreadTeam(threads: ThreadTeam.available).forEachShare(of: rows) { _, range in
                    for row in range {
                        let slice = unsafe UnsafeMutableBufferPointer(
                            rebasing: scores[row * classes..<(row + 1) * classes])
                        unsafe losses[row] = loss(
                            replacing: slice, label: labels[row], factor: 1 / Float(counted))
                    }
                }
            }
        }
        guard counted > 0 else { return (0, gradient) }
        return (Float(losses.reduce(0, +) / Double(counted)), gradient)
    }

    /// One row's loss; its scores are replaced by their gradient times `factor`.
    @unsafe private static func loss(
        replacing scores: UnsafeMutableBufferPointer<Float>, label: Int32, factor: Float
    ) -> Double {
        guard label != ignored else {
            unsafe scores.update(repeating: 0)
            return 0
        }
        precondition((0..<scores.count).contains(Int(label)), "label \(label)")
        // Less the maximum, so that no exponential overflows.
        let maximum = unsafe scores.max()!
        let own = unsafe Double(scores[Int(label)] - maximum)
        var sum = 0.0
        for i in scores.indices {
            unsafe scores[i] = Float.exp(scores[i] - maximum)
            sum += unsafe Double(scores[i])
        }
        let scale = factor * Float(1 / sum)
        for i in scores.indices { unsafe scores[i] *= scale }
        unsafe scores[Int(label)] -= factor
        return Double.log(sum) - own
    }
}
