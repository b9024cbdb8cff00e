#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// What is mounted, from `/proc/self/mountinfo`.
enum MountTable {
    static let path = Array("/proc/self/mountinfo".utf8)

    /// The kind of network file system that `folder` lies on; nil for local ones, and for those
    /// that hide their device in the table (btrfs).
    static func networkFileSystem(of folder: [UInt8]) -> String? {
        guard case .folder(let device, _) = FileKind(at: folder) else { return nil }
        return networkFileSystem(device: device, table: read())
    }

    static func networkFileSystem(device: UInt64, table: [UInt8]) -> String? {
        // The packing of Linux's dev_t, see makedev(3).
        let major = (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
        let minor = device & 0xFF | (device >> 12) & 0xFFFF_FF00
        let number = Array("\(major):\(minor)".utf8)
        for line in table.split(separator: 0x0A) {
            let fields = line.split(separator: 0x20)
            guard fields.count > 2, fields[2].elementsEqual(number),
                let dash = fields.firstIndex(where: { $0.elementsEqual([0x2D]) }),
                dash + 1 < fields.count
            else { continue }
            let kind = String(decoding: fields[dash + 1], as: UTF8.self)
            return ["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p"].contains(kind)
                ? kind : nil
        }
        return nil
    }

    private static func read() -> [UInt8] {
        let descriptor = unsafe withCPath(path) { unsafe open($0, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return content }
            content += buffer[..<count]
        }
    }
}
