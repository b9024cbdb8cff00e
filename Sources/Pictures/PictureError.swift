/// Why pictures cannot be worked on.
public enum PictureError: Error, Equatable, Sendable {
    /// None of the pictures can be decoded.
    case noReadablePicture(images: String, tried: Int)
}

extension PictureError: CustomStringConvertible {
    /// One sentence: what is wrong and what to do about it.
    public var description: String {
        switch self {
        case .noReadablePicture(let images, let tried):
            "none of the \(tried) files in '\(images)' is a readable picture: "
                + "give a folder of JPEG or PNG files"
        }
    }
}
