import Files
import Testing

struct MountTableTests {
    private static let table = MountTable(
        lines: Array(
            """
            22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
            28 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
            91 28 0:52 / /mnt/nas rw shared:40 master:2 - nfs4 nas:/photos rw,vers=4.2
            92 28 0:53 /sub /mnt/a\\040b rw - fuse.sshfs me@host:/ rw
            93 28 259:1048577 / /mnt/big rw - 9p share rw
            broken
            94 28
            """.utf8))

    /// The kernel's packing, as makedev(3) does it.
    private func device(_ major: UInt64, _ minor: UInt64) -> UInt64 {
        (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | minor & 0xFF | (minor & ~0xFF) << 12
    }

    @Test func networkFileSystemsAreFoundByTheirDevice() {
        #expect(Self.table.networkFileSystem(device: device(0, 52)) == "nfs4")
        #expect(Self.table.networkFileSystem(device: device(0, 53)) == "fuse.sshfs")
        #expect(Self.table.networkFileSystem(device: device(259, 1_048_577)) == "9p")
    }

    @Test func othersAreLocal() {
        #expect(Self.table.networkFileSystem(device: device(8, 2)) == nil)
        #expect(Self.table.networkFileSystem(device: device(0, 21)) == nil)
        #expect(Self.table.networkFileSystem(device: device(0, 99)) == nil)
        #expect(MountTable(lines: []).networkFileSystem(device: device(0, 52)) == nil)
        #expect(MountTable().networkFileSystem(of: "/proc") == nil)
    }
}
