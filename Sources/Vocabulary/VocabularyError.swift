/// Why pictures cannot become clusters.
public enum VocabularyError: Error, Equatable, Sendable {
    /// There are fewer readable pictures than clusters asked for.
    case fewerPicturesThanClusters(pictures: Int, clusters: Int)
    /// There are too few readable pictures.
    case tooFewPictures(found: Int, needed: Int)
    /// A setting is outside of what is possible.
    case invalidSetting(name: String, value: String, remedy: String)
}

extension VocabularyError: CustomStringConvertible {
    /// One sentence: what is wrong and what to do about it.
    public var description: String {
        switch self {
        case .fewerPicturesThanClusters(let pictures, let clusters):
            "\(pictures) readable pictures cannot form \(clusters) clusters: "
                + "give --clusters \(max(2, pictures / 10)), or more pictures"
        case .tooFewPictures(let found, let needed):
            "\(found) readable pictures are too few: at least \(needed) are needed"
        case .invalidSetting(let name, let value, let remedy):
            "\(name) \(value) is not possible: \(remedy)"
        }
    }
}
