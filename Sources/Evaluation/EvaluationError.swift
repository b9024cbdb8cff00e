/// The reasons a model cannot be judged.
public enum EvaluationError: Error, Equatable, Sendable {
    /// The pictures lie in no sub-folders, so they have no labels.
    case noLabels(place: String)
    /// None of the labelled files is a readable picture.
    case noReadablePicture(place: String, tried: Int)
    /// The two folders have no label in common.
    case noSharedLabel(train: String, test: String)
    /// A picture is alone, so it has no neighbours.
    case onePicture(place: String)
    /// The untrained network is asked for, and the checkpoint has the integer network only.
    case untrainedNeedsFloat(checkpoint: String)
    /// There are fewer pictures than clusters to fit.
    case fewerPicturesThanClusters(place: String, pictures: Int, clusters: Int)
    /// A number is out of range.
    case wrongSetting(name: String, value: Int)
    /// A layer to probe is not in the network, or is none that has a ReLU's map.
    case noSuchLayer(name: String, known: [String])
    /// There are too few pictures of a label to learn from some and judge by others.
    case tooFewToProbe(place: String)
    /// A file is no ground truth for retrieval.
    case groundTruth(path: String, reason: String)
    /// A checkpoint cannot be run.
    case model(checkpoint: String, reason: String)
}

extension EvaluationError: CustomStringConvertible {
    /// A sentence with the remedy.
    public var description: String {
        switch self {
        case .noLabels(let place):
            "'\(place)' has no labels: put the pictures of each kind into a sub-folder that is "
                + "named for it"
        case .noReadablePicture(let place, let tried):
            "none of the \(tried) labelled files in '\(place)' is a readable picture: give a "
                + "folder with JPEG or PNG files"
        case .noSharedLabel(let train, let test):
            "'\(train)' and '\(test)' have no label in common: name their sub-folders alike"
        case .onePicture(let place):
            "'\(place)' has one readable picture, which has no neighbours: give more pictures"
        case .untrainedNeedsFloat(let checkpoint):
            "'\(checkpoint)' is an int8 checkpoint, from which the untrained network cannot be "
                + "made: give the float checkpoint too"
        case .fewerPicturesThanClusters(let place, let pictures, let clusters):
            "the \(pictures) pictures in '\(place)' cannot make \(clusters) clusters: ask for at "
                + "most \(pictures)"
        case .wrongSetting(let name, let value):
            "\(name) cannot be \(value): give 1 or more"
        case .noSuchLayer(let name, let known):
            "no layer '\(name)' can be probed: give some of \(known.joined(separator: ", "))"
        case .tooFewToProbe(let place):
            "'\(place)' has too few pictures to learn from some and judge by others: give five of "
                + "a label, or a folder for --train"
        case .groundTruth(let path, let reason):
            "'\(path)' \(reason): give a CSV file with a line path,instance or "
                + "path,instance,edit for each picture"
        case .model(let checkpoint, let reason):
            "\(checkpoint): \(reason)"
        }
    }
}
