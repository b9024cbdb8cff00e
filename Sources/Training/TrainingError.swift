public import Tensors

/// The reasons why training cannot start or go on.
public enum TrainingError: Error, Equatable, Sendable {
    /// The network cannot be executed or trained.
    case invalidNetwork(reason: String)
    /// A tensor that the network needs is not there.
    case missingTensor(name: String)
    /// A tensor does not fit the network.
    case wrongShape(tensor: String, expected: Shape, found: Shape)
    /// None of the pictures can be decoded.
    case noReadablePicture(images: String, tried: Int)
    /// There are fewer readable pictures than clusters asked for.
    case fewerPicturesThanClusters(pictures: Int, clusters: Int)
    /// There are too few readable pictures to train on at all.
    case tooFewPictures(found: Int, needed: Int)
    /// A setting is outside of what the recipe can do.
    case invalidSetting(name: String, value: String, remedy: String)
    /// Features that were kept are not those of these pictures by this model.
    case foreignFeatures(path: String, reason: String)
    /// The run folder was begun with other settings.
    case settingsDiffer(folder: String, differences: [String])
    /// Another program works on the run folder.
    case runFolderInUse(folder: String)
    /// A file of the run folder cannot be read as what it should be.
    case damagedRunFile(path: String, reason: String)
    /// A system call failed.
    case system(call: String, path: String, error: Int32)
    /// The weights or the loss stopped being numbers.
    case diverged(epoch: Int, step: Int)
}
