/// The reasons a report or pictures of a network cannot be made.
public enum ReportError: Error, Equatable, Sendable {
    /// A folder holds no run.
    case noRun(folder: String)
    /// A network has no map to look at.
    case noMaps(model: String)
    /// A layer is not in the network, or has no map.
    case noSuchLayer(name: String, known: [String])
    /// A layer has fewer filters than one that is asked for.
    case noSuchFilter(layer: String, filter: Int, filters: Int)
    /// A batch norm stands where it cannot be folded into a convolution.
    case normWithoutConvolution(layer: String)
    /// A number is out of range.
    case wrongSetting(name: String, value: String, remedy: String)
}

extension ReportError: CustomStringConvertible {
    /// A sentence with the remedy.
    public var description: String {
        switch self {
        case .noRun(let folder):
            "'\(folder)' holds no run: give the folder that 'dctrain fit --run' was given"
        case .noMaps(let model):
            "'\(model)' has no convolution with a ReLU to look at: give a float checkpoint of a "
                + "convolutional network"
        case .noSuchLayer(let name, let known):
            "no layer '\(name)' can be looked at: give some of \(known.joined(separator: ", "))"
        case .noSuchFilter(let layer, let filter, let filters):
            "'\(layer)' has \(filters) filters, no number \(filter): give 0 to \(filters - 1)"
        case .normWithoutConvolution(let layer):
            "batch norm '\(layer)' does not stand behind a convolution, so that it cannot be "
                + "folded: choose layers before it"
        case .wrongSetting(let name, let value, let remedy):
            "\(name) cannot be \(value): \(remedy)"
        }
    }
}
