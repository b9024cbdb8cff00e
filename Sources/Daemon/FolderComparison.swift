import Catalog
import Files
import FolderWatch
import Imaging
import Logging
import Model
import Synchronization

/// A folder that is to be compared with the index.
struct Rescan: Hashable {
    let folder: FilePath
    let reason: RescanReason
}

/// Compares folders with the index.
struct FolderComparison: Sendable {
    let catalog: ImageCatalog
    let roots: [WatchedRoot]
    /// The thread that reads folders and files.
    let files: WorkThread
    let gate: BacklogGate
    let logger: Logger

    /// What a walk found in a folder.
    private struct Walked {
        let root: RootRecord
        let folder: FilePath
        var images: Set<Int64> = []
        var skipped: Set<Int64> = []
        var unreadable: [FilePath] = []
        var files = 0

        var isWhole: Bool { folder == root.path }
    }

    /// Compares folders with the index: what is new or touched is pending, what moved is
    /// followed, what is gone is removed.
    ///
    /// All are walked through before anything is removed, so that what moved from one to the
    /// other is found.
    func run(_ rescans: [Rescan], _ known: [RootRecord]) async throws {
        // Where nothing was indexed, nothing can have moved, and work begins during the walk.
        let mayHaveMoved = try await !catalog.images(limit: 1).isEmpty
        gate.set(shut: mayHaveMoved)
        defer { gate.set(shut: false) }
        var walks: [Walked] = []
        for root in known {
            let mine = rescans.filter { $0.folder.isAtOrBelow(root.path) }
            // Comparing the whole includes the parts.
            let whole = mine.first { $0.folder == root.path }
            for rescan in whole.map({ [$0] }) ?? mine {
                if let walked = try await walk(rescan, root) { walks.append(walked) }
                gate.wake()
            }
        }
        for walked in walks { try await removeMissing(walked) }
    }

    /// Takes a watched folder for one that is not there.
    func setOffline(_ root: RootRecord) async throws {
        logger.warning("the watched folder '\(root.path)' is not there; its pictures are kept")
        try await catalog.setOffline(root: root.id)
    }

    /// Walks through a folder and registers its files; nil if nothing can be said of it.
    private func walk(_ rescan: Rescan, _ root: RootRecord) async throws -> Walked? {
        guard let place = Self.folder(at: root.path) else {
            try await setOffline(root)
            return nil
        }
        let exclusions = roots.first { $0.path == root.path }?.exclusions ?? Exclusions()
        let walk = WalkBox(
            FolderWalk(folder: rescan.folder, root: root.path, exclusions: exclusions))
        var walked = Walked(root: root, folder: rescan.folder)
        while true {
            let elements = try await files.run { walk.next(512) }
            if elements.isEmpty { break }
            var found: [FoundFile] = []
            for element in elements {
                switch element {
                case .file(let path, let status):
                    found.append(FoundFile(path: path, identity: status))
                case .unreadable(let path, let error):
                    walked.unreadable.append(path)
                    logger.warning("'\(path)' cannot be read: \(error)")
                }
            }
            walked.files += found.count
            let registrations = try await catalog.register(
                found, root: root.id, retryingUnreadable: rescan.reason != .polling)
            for registration in registrations {
                switch registration {
                case .unchanged(let id), .changed(let id), .added(let id):
                    walked.images.insert(id)
                case .skipped(let row): walked.skipped.insert(row)
                }
            }
        }
        if walked.unreadable.contains(root.path) {
            try await setOffline(root)
            return nil
        }
        // The mount point of a disk that is not mounted is an empty folder of another device.
        if walked.isWhole, walked.files == 0, let device = root.device, device != place.device,
            try await !catalog.storedFiles(root: root.id, after: 0, limit: 1).isEmpty
        {
            try await setOffline(root)
            return nil
        }
        if !root.online { logger.info("the watched folder '\(root.path)' is there") }
        try await catalog.setOnline(root: root.id, device: place.device, inode: place.inode)
        return walked
    }

    /// Follows or removes what the index has in a folder and the walk did not find.
    private func removeMissing(_ walked: Walked) async throws {
        var last: Int64 = 0
        var moved = 0
        var removed = 0
        while true {
            let page = try await catalog.storedFiles(
                root: walked.root.id, after: last, limit: 1024)
            guard let end = page.last else { break }
            last = end.id
            var gone: [Int64] = []
            for file in page where isMissing(file, walked) {
                if try await followMove(of: file) {
                    moved += 1
                } else {
                    gone.append(file.id)
                }
            }
            try await catalog.remove(gone)
            removed += gone.count
        }
        if walked.isWhole {
            if walked.unreadable.isEmpty {
                try await catalog.forgetSkipped(root: walked.root.id, except: walked.skipped)
            }
            try await catalog.setReconciled(root: walked.root.id)
        }
        logger.info(
            "compared '\(walked.folder)'",
            metadata: [
                "files": "\(walked.files)", "moved": "\(moved)", "removed": "\(removed)",
            ])
    }

    private func isMissing(_ file: StoredFile, _ walked: Walked) -> Bool {
        guard walked.isWhole || file.path.isBelow(walked.folder) else { return false }
        if walked.images.contains(file.id) { return false }
        // Nothing is known of what lies in a folder that cannot be read.
        if walked.unreadable.contains(where: { file.path.isAtOrBelow($0) }) {
            return false
        }
        // Made or moved here since the walk passed by: the watcher tells of it. What is there and
        // was passed over is excluded.
        let exclusions = roots.first { $0.path == walked.root.path }?.exclusions
        return FileIdentity(ofFileAt: file.path) == nil
            || exclusions?.excludesAnywhere(file.path, root: walked.root.path) == true
    }

    /// Looks for a missing picture among the new ones: the same file by inode, size and time, or
    /// the same content.
    private func followMove(of file: StoredFile) async throws -> Bool {
        for arrival in try await catalog.arrivals(like: file, anyInode: false) {
            // A new file may have got the inode of a deleted one. With the same size, and a time
            // in whole seconds as archives and cameras set it, only the content tells.
            let isDoubtful = arrival.identity.modified % 1_000_000_000 == 0
            try await catalog.move(
                image: file.id, to: arrival.path, root: try await root(of: arrival),
                identity: arrival.identity, verifying: isDoubtful)
            return true
        }
        guard let sha256 = file.sha256 else { return false }
        for arrival in try await catalog.arrivals(like: file, anyInode: true) {
            guard try await digest(of: arrival.path) == sha256 else { continue }
            try await catalog.move(
                image: file.id, to: arrival.path, root: try await root(of: arrival),
                identity: arrival.identity)
            return true
        }
        return false
    }

    private func root(of file: StoredFile) async throws -> Int64 {
        try await catalog.image(id: file.id)?.root ?? 0
    }

    private func digest(of path: FilePath) async throws -> String? {
        try await files.run {
            guard let file = try? PictureFile.open(path) else { return nil }
            return try? FileDigest.sha256(of: file)
        }
    }

    private static func folder(at path: FilePath) -> FileIdentity? {
        guard let status = try? FileStatus(of: path, followingLinks: true) else { return nil }
        return status.kind == .folder ? status.identity : nil
    }
}

/// A walk that goes on where it was left, on one thread.
///
/// Used by the file thread alone, one call after the other.
private final class WalkBox: @unchecked Sendable {
    private var walk: FolderWalk

    init(_ walk: FolderWalk) { self.walk = walk }

    func next(_ count: Int) -> [FolderWalk.Element] {
        var elements: [FolderWalk.Element] = []
        while elements.count < count, let element = walk.next() { elements.append(element) }
        return elements
    }
}
