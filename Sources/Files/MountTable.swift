/// What is mounted, from `/proc/self/mountinfo`.
public struct MountTable: Sendable {
    private let lines: [UInt8]

    /// The kernel's file, which changes as something is mounted.
    public static let path = FilePath("/proc/self/mountinfo")

    /// What is mounted now; empty where the kernel does not tell.
    public init() {
        let file = try? OpenFile(reading: Self.path)
        self.init(lines: (try? file?.remainingBytes()) ?? [])
    }

    /// A table in the kernel's format.
    public init(lines: [UInt8]) { self.lines = lines }

    /// File systems whose files other machines change, which the kernel does not tell of.
    private static let networkKinds: Set = [
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p",
    ]

    /// The kind of network file system of a device; `nil` for local ones, and for those that hide
    /// their device in the table (btrfs).
    public func networkFileSystem(device: UInt64) -> String? {
        // The packing of Linux's dev_t, see makedev(3).
        let major = (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
        let minor = device & 0xFF | (device >> 12) & 0xFFFF_FF00
        let number = Array("\(major):\(minor)".utf8)
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count > 2, fields[2].elementsEqual(number),
                let dash = fields.firstIndex(where: { $0.elementsEqual("-".utf8) }),
                dash + 1 < fields.count
            else { continue }
            let kind = String(decoding: fields[dash + 1], as: UTF8.self)
            return Self.networkKinds.contains(kind) ? kind : nil
        }
        return nil
    }

    /// The kind of network file system that a folder lies on.
    public func networkFileSystem(of folder: FilePath) -> String? {
        guard let status = try? FileStatus(of: folder, followingLinks: true) else { return nil }
        return networkFileSystem(device: status.identity.device)
    }
}
