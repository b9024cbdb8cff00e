import LinearAlgebra
package import Tensors

/// Chooses the format of each activation tensor by the error it causes where the tensor is read.
///
/// The candidates are the ranges of all rules. Each is measured on whole windows of the
/// calibration pictures: the squared error of the outputs of the layers that read the tensor, as
/// a share of these outputs, summed over the readers. The least one is kept, where it is clearly
/// less; every tensor, the first and the last like those between, is judged for itself.
package struct RangeJudge {
    /// One layer that reads the tensor.
    package struct Reader {
        let samples: InputSamples
        /// The filters of all groups, `[outputs, depth]`; `nil` where values are only summed.
        let filters: Tensor<Float>?

        /// A layer with these samples and filters.
        package init(samples: InputSamples, filters: Tensor<Float>?) {
            (self.samples, self.filters) = (samples, filters)
        }
    }

    /// What was chosen.
    package struct Choice {
        /// The range and the bounds in 8 bits.
        package let format: ActivationFormat
        /// The rule that found the range.
        package let rule: RangeRule
    }

    /// What a rule must leave of the error of those before it.
    ///
    /// The windows are a sample with few of the rare large values, so that they favour clipping:
    /// with 0.95 instead, the rules chosen over the squared error made whole networks a little
    /// worse.
    private static let gain = 0.8

    private let readers: [(reader: Reader, signal: Double)]

    package init(_ readers: [Reader]) {
        self.readers = readers.map { reader in
            (reader, Self.power(of: reader.samples.kept, at: reader))
        }
    }

    /// The format of the tensor with this histogram and these bounds.
    package func choose(
        _ histogram: ActivationHistogram, bounds: FoldedNetwork.Bounds
    ) -> Choice {
        var best: (choice: Choice, error: Double)?
        for rule in RangeRule.allCases {
            let format = ActivationFormat(covering: histogram.range(by: rule), bounds: bounds)
            // Without a reader that can be measured the first rule decides.
            let error = error(of: format)
            if best.map({ error < Self.gain * $0.error }) ?? true {
                best = (Choice(format: format, rule: rule), error)
            }
        }
        guard let best else { preconditionFailure("there are no rules") }
        return best.choice
    }

    /// The squared error of the readers' outputs as a share of them.
    private func error(of format: ActivationFormat) -> Double {
        readers.reduce(0) { sum, entry in
            guard entry.signal > 0 else { return sum }
            let errors = format.errors(of: entry.reader.samples.kept)
            return sum + Self.power(of: errors, at: entry.reader) / entry.signal
        }
    }

    /// The sum of squares of a layer's outputs, without biases, for these windows.
    private static func power(of values: [Float], at reader: Reader) -> Double {
        let (windows, count) = (reader.samples.windows, reader.samples.keptCount)
        guard count > 0 else { return 0 }
        guard let filters = reader.filters else {
            return power(of: values, depth: windows.depth) { _, _ in 1 / Float(windows.depth) }
        }
        if filters.shape[0] == windows.groups {
            let weights = filters.elements.span
            return power(of: values, depth: windows.depth) { group, index in
                weights[group % windows.groups * windows.depth + index]
            }
        }
        let perGroup = filters.shape[0] / windows.groups
        return (0..<windows.groups).reduce(0) { sum, group in
            let rows = reader.samples.part(group, of: values, count: count)
            let own = filters.rows(at: group * perGroup..<(group + 1) * perGroup)
            let outputs = rows.multiplied(by: own, transposeOther: true).elements
            return outputs.reduce(sum) { $0 + Double($1) * Double($1) }
        }
    }

    /// The same where each group has one output.
    private static func power(
        of values: [Float], depth: Int, weight: (_ row: Int, _ index: Int) -> Float
    ) -> Double {
        let values = values.span
        return (0..<values.count / depth).reduce(0) { sum, row in
            var output: Float = 0
            for index in 0..<depth {
                output += values[row * depth + index] * weight(row, index)
            }
            return sum + Double(output) * Double(output)
        }
    }
}
