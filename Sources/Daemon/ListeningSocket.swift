import CSystemd
import Files
import Glibc

/// A Unix stream socket that listens, bound by ourselves or passed by socket activation.
///
/// Hummingbird's own bind would take over the path of a daemon that is alive and knows nothing of
/// activation, hence this.
package struct ListeningSocket: Sendable {
    /// The longest path: `sun_path` less its terminating zero.
    package static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// Owner and group may ask; who they are is decided by the service's user and group.
    private static let mode: mode_t = 0o660
    private static let backlog: CInt = 128

    /// The descriptor, non-blocking and closed on exec, which its user closes.
    package let descriptor: CInt
    /// The path that we bound and shall remove, or nil for a socket that was passed.
    package let path: String?
    private let inode: UInt64?

    /// The socket that systemd passed, or else one bound at `path`.
    package init(path: String) throws(DaemonError) {
        if let descriptor = try Self.inherited() {
            self.init(descriptor: descriptor, path: nil, inode: nil)
        } else {
            try self.init(binding: path)
        }
    }

    private init(descriptor: CInt, path: String?, inode: UInt64?) {
        self.descriptor = descriptor
        self.path = path
        self.inode = inode
    }

    /// Binds `path`, replacing a socket there that nobody answers on.
    package init(binding path: String) throws(DaemonError) {
        var address = try Self.address(path)
        try Self.makeFolder(of: path)
        try Self.clear(path)
        let descriptor = try Self.open(path)
        // The mode must be right from the first moment, so it is the mask that decides.
        let mask = umask(0o777 & ~Self.mode)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        let code = errno
        umask(mask)
        guard result == 0 else {
            close(descriptor)
            // Someone bound it since we looked.
            throw code == EADDRINUSE
                ? .socketInUse(path: path)
                : .system(SystemCallError("bind", FilePath(path), number: code))
        }
        guard listen(descriptor, Self.backlog) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(SystemCallError("listen", FilePath(path), number: code))
        }
        self.init(descriptor: descriptor, path: path, inode: Self.inode(of: path))
    }

    /// Removes the path, if it is still the socket that was bound here.
    package func unlinkPath() {
        guard let path, let inode, Self.inode(of: path) == inode else { return }
        try? DurableFile.remove(FilePath(path))
    }

    // MARK: - Activation

    /// The one socket that systemd passed, or nil if it passed none (sd_listen_fds(3)).
    private static func inherited() throws(DaemonError) -> CInt? {
        // The variables are unset, so that no child takes them for its own.
        let count = sd_listen_fds(1)
        guard count != 0 else { return nil }
        guard count > 0 else {
            throw .invalidActivation(reason: SystemCallError.message(-count))
        }
        guard count == 1 else {
            throw .invalidActivation(reason: "there are \(count) of them")
        }
        let descriptor: CInt = SD_LISTEN_FDS_START
        let type = CInt(SOCK_STREAM.rawValue)
        guard sd_is_socket_unix(descriptor, type, 1, nil, 0) > 0 else {
            throw .invalidActivation(reason: "it is of another kind")
        }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        return descriptor
    }

    // MARK: - Binding

    /// The kernel's address of a path.
    static func address(_ path: String) throws(DaemonError) -> sockaddr_un {
        let bytes = Array(path.utf8)
        guard bytes.count <= longestPath else {
            throw .socketPathTooLong(path: path, limit: longestPath)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
            unsafe field.copyBytes(from: bytes)
        }
        return address
    }

    /// Makes the socket's own folder, for the owner and the group, where its parent is there.
    private static func makeFolder(of path: String) throws(DaemonError) {
        do throws(SystemCallError) {
            try Folder.makeLast(FilePath(path).parent, 0o750)
        } catch { throw .system(error) }
    }

    /// Makes the path free: nothing there, or a socket that refuses connections, which goes.
    private static func clear(_ path: String) throws(DaemonError) {
        guard let status = try? FileStatus(of: FilePath(path)) else { return }
        guard status.kind == .socket else { throw .notASocket(path: path) }
        var address = try address(path)
        let descriptor = try open(path)
        defer { close(descriptor) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        let code = errno
        // EAGAIN is a full backlog: someone listens.
        if result == 0 || code == EAGAIN { throw .socketInUse(path: path) }
        guard code == ECONNREFUSED else {
            throw .system(SystemCallError("connect", FilePath(path), number: code))
        }
        do throws(SystemCallError) {
            try DurableFile.remove(FilePath(path))
        } catch {
            guard error.isAbsence else { throw .system(error) }
        }
    }

    private static func open(_ path: String) throws(DaemonError) -> CInt {
        let flags = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        do throws(SystemCallError) {
            return try systemCall("socket", FilePath(path)) { socket(AF_UNIX, CInt(flags), 0) }
        } catch { throw .system(error) }
    }

    private static func inode(of path: String) -> UInt64? {
        (try? FileStatus(of: FilePath(path)))?.identity.inode
    }
}
