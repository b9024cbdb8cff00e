public import Files

/// The reasons a picture, or a list of pictures, cannot be had.
public enum ImagingError: Error, Equatable, Sendable {
    /// The bytes are those of no picture.
    case notAPicture
    /// A picture of a kind that is recognized and not read.
    case unsupportedFormat(String)
    /// The file holds nothing.
    case empty
    /// A part of the picture is missing or wrong; `reason` is the decoder's.
    case corrupt(reason: String)
    /// The picture is over a limit, as `reason` tells.
    case tooLarge(reason: String)
    /// The file is over a limit.
    case fileTooLarge(bytes: Int, limit: Int)
    /// The decoder got no memory.
    case outOfMemory
    /// A system call on the file failed.
    case unreadable(SystemCallError)
    /// The path names a folder, a pipe, a device, or a link where links are not followed.
    case notARegularFile(path: String)
    /// The folder or list of pictures does not exist.
    case noSuchList(path: String)
    /// The folder or list of pictures holds none.
    case emptyList(path: String)
}

extension ImagingError: CustomStringConvertible {
    /// What is wrong, and what to do about it, in one sentence.
    public var description: String {
        switch self {
        case .notAPicture:
            "neither JPEG nor PNG"
        case .unsupportedFormat(let name):
            "\(name) is not read: convert it to JPEG or PNG"
        case .empty:
            "the file is empty"
        case .corrupt(let reason):
            "the picture is damaged: \(reason)"
        case .tooLarge(let reason):
            "the picture is too large: \(reason)"
        case .fileTooLarge(let bytes, let limit):
            "the file has \(bytes) bytes, more than the limit of \(limit): store it with less detail"
        case .outOfMemory:
            "there is not enough memory to decode the picture"
        case .unreadable(let error):
            error.description
        case .notARegularFile(let path):
            "\(path): not a regular file"
        case .noSuchList(let path):
            "\(path): no such folder or list of pictures"
        case .emptyList(let path):
            "\(path): there are no pictures: name a folder of JPEG or PNG files, "
                + "or a text file with one path a line"
        }
    }
}
