#if canImport(Glibc)
private import Glibc
#else
private import Musl
#endif

extension TrainingError: CustomStringConvertible {
    /// One sentence: what is wrong and what to do about it.
    public var description: String {
        switch self {
        case .invalidNetwork(let reason):
            "the network cannot be run: \(reason)"
        case .missingTensor(let name):
            "'\(name)' is missing: the weights belong to another network"
        case .wrongShape(let tensor, let expected, let found):
            "'\(tensor)' is \(found), the network needs \(expected)"
        case .noReadablePicture(let images, let tried):
            "none of the \(tried) files in '\(images)' is a readable picture: "
                + "give a folder of JPEG or PNG files"
        case .fewerPicturesThanClusters(let pictures, let clusters):
            "\(pictures) readable pictures cannot form \(clusters) clusters: "
                + "give --clusters \(max(2, pictures / 10)), or more pictures"
        case .tooFewPictures(let found, let needed):
            "\(found) readable pictures are too few: at least \(needed) are needed"
        case .invalidSetting(let name, let value, let remedy):
            "\(name) \(value) is not possible: \(remedy)"
        case .foreignFeatures(let path, let reason):
            "the features in '\(path)' do not fit: \(reason); "
                + "write them anew with 'dctrain embed'"
        case .settingsDiffer(let folder, let differences):
            "'\(folder)' was begun with other settings (\(differences.joined(separator: ", "))): "
                + "give the same ones or another --run folder"
        case .runFolderInUse(let folder):
            "another dctrain works on '\(folder)': wait for it or give another --run folder"
        case .damagedRunFile(let path, let reason):
            "'\(path)' is damaged (\(reason)): remove it or give another --run folder"
        case .system(let call, let path, let error):
            "\(call) '\(path)': \(unsafe String(cString: strerror(error)))"
        case .diverged(let epoch, let step):
            "the loss is no longer a number in epoch \(epoch), step \(step): "
                + "begin a new run with a lower --learning-rate"
        }
    }
}
