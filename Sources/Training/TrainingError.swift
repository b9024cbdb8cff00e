/// The reasons why training cannot start or go on.
public enum TrainingError: Error, Equatable, Sendable {
    /// The run folder was begun with other settings.
    case settingsDiffer(folder: String, differences: [String])
    /// Another program works on the run folder.
    case runFolderInUse(folder: String)
    /// A file of the run folder cannot be read as what it should be.
    case damagedRunFile(path: String, reason: String)
    /// The weights or the loss stopped being numbers.
    case diverged(epoch: Int, step: Int)
}

extension TrainingError: CustomStringConvertible {
    /// One sentence: what is wrong and what to do about it.
    public var description: String {
        switch self {
        case .settingsDiffer(let folder, let differences):
            "'\(folder)' was begun with other settings (\(differences.joined(separator: ", "))): "
                + "give the same ones or another --run folder"
        case .runFolderInUse(let folder):
            "another dctrain works on '\(folder)': wait for it or give another --run folder"
        case .damagedRunFile(let path, let reason):
            "'\(path)' is damaged (\(reason)): remove it or give another --run folder"
        case .diverged(let epoch, let step):
            "the loss is no longer a number in epoch \(epoch), step \(step): "
                + "begin a new run with a lower --learning-rate"
        }
    }
}
