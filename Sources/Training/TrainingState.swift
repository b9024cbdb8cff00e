package import Model
import Tensors

/// All that a run needs to go on where it stopped.
package struct TrainingState: Sendable, Equatable {
    /// The epoch under way, from 0; the number of epochs once all are done.
    package var epoch = 0
    /// The steps of that epoch that are done.
    package var step = 0
    /// Whether the epoch's pseudo-labels are among the tensors.
    package var isClustered = false
    /// The sum of the losses of those steps, each times its pictures.
    package var lossSum = 0.0
    /// The mean loss of the epoch, once its steps are done; not saved.
    package var meanLoss = 0.0
    /// The learning rate of the epoch's last step, once it is done; not saved.
    package var learningRate: Float = 0
    /// The objective of the epoch's clustering.
    package var objective = 0.0
    /// Agreement of the epoch's assignment with the one before.
    package var nmiPrevious: Double?
    /// The share of pictures that left their cluster.
    package var reassigned: Double?
    /// Weights, momentum, assignments and what else the recipe keeps, by name.
    package var tensors: [String: WeightTensor] = [:]

    /// The state of a run that has not begun.
    package init() {}

    /// Moves on to the epoch after this one, of which the assignments are kept.
    mutating func beginNextEpoch() {
        let assignments = tensors["assignments"]
        self = TrainingState(epoch: epoch + 1)
        tensors["assignments"] = assignments
    }

    /// Drops what the recipe has taken over.
    mutating func keepOnlyAssignments() {
        tensors = tensors.filter { $0.key == "assignments" }
    }

    private init(epoch: Int) { self.epoch = epoch }
}

extension TrainingState {
    /// The name of the format, in the metadata.
    private static let format = "deepcluster-state"

    /// The state as a file.
    var file: SafetensorsFile {
        var metadata = [
            "format": Self.format, "epoch": "\(epoch)", "step": "\(step)",
            "clustered": "\(isClustered)", "loss_sum": Self.text(lossSum),
            "objective": Self.text(objective),
        ]
        metadata["nmi_previous"] = nmiPrevious.map(Self.text)
        metadata["reassigned"] = reassigned.map(Self.text)
        return SafetensorsFile(metadata: metadata, tensors: tensors)
    }

    /// The state in a file, or `nil` where it is something else.
    init?(_ file: SafetensorsFile) {
        guard file.metadata["format"] == Self.format,
            let epoch = file.metadata["epoch"].flatMap({ Int($0) }),
            let step = file.metadata["step"].flatMap({ Int($0) }),
            let clustered = file.metadata["clustered"].flatMap({ Bool($0) }),
            let loss = file.metadata["loss_sum"].flatMap(Self.number),
            let objective = file.metadata["objective"].flatMap(Self.number)
        else { return nil }
        (self.epoch, self.step, isClustered) = (epoch, step, clustered)
        (lossSum, self.objective) = (loss, objective)
        nmiPrevious = file.metadata["nmi_previous"].flatMap(Self.number)
        reassigned = file.metadata["reassigned"].flatMap(Self.number)
        tensors = file.tensors
    }

    // The bit pattern, so that nothing is lost in decimal digits.
    private static func text(_ number: Double) -> String {
        String(number.bitPattern, radix: 16)
    }

    private static func number(_ text: String) -> Double? {
        UInt64(text, radix: 16).map { Double(bitPattern: $0) }
    }
}

// MARK: - Tensors by name

extension TrainingState {
    /// Adds float tensors under a common prefix.
    mutating func store(_ values: [String: Tensor<Float>], under prefix: String) {
        for (name, tensor) in values { tensors["\(prefix).\(name)"] = .float32(tensor) }
    }

    /// The float tensors under a prefix, without it.
    func floats(under prefix: String) -> [String: Tensor<Float>] {
        var values: [String: Tensor<Float>] = [:]
        for (name, tensor) in tensors where name.hasPrefix("\(prefix).") {
            guard case .float32(let tensor) = tensor else { continue }
            values[String(name.dropFirst(prefix.count + 1))] = tensor
        }
        return values
    }

    /// Adds cluster numbers.
    mutating func store(_ assignments: [Int32], as name: String) {
        tensors[name] = .int32(Tensor(assignments, shape: [assignments.count]))
    }

    /// Cluster numbers stored before.
    func assignments(_ name: String) -> [Int32]? {
        guard case .int32(let tensor) = tensors[name] else { return nil }
        return tensor.elements
    }
}
