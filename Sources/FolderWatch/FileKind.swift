import Files

/// A thing in a folder, as far as this module cares.
enum FileKind: Equatable {
    case file(FileIdentity, links: Int)
    case folder(device: UInt64, inode: UInt64)
    case other

    /// What lies at `path`; a symbolic link is `other`.
    init(at path: FilePath) throws(SystemCallError) {
        let status = try FileStatus(of: path)
        switch status.kind {
        case .regular: self = .file(status.identity, links: status.links)
        case .folder:
            self = .folder(device: status.identity.device, inode: status.identity.inode)
        default: self = .other
        }
    }
}

extension FilePath {
    /// A path that leads to a watched folder even where its own path is a symbolic link: as a part in
    /// the middle, a link is followed.
    var asRoot: FilePath { appending(".") }
}
