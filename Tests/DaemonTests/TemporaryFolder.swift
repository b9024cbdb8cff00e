import Foundation
import Testing

/// A folder that goes away with its test.
///
/// Its path is short, since it also holds sockets.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = "/tmp/dcd-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file whose name may be any bytes, and returns its absolute path.
    @discardableResult
    func write(_ contents: [UInt8], to name: [UInt8]) throws -> [UInt8] {
        let file = Array((path + "/").utf8) + name
        let descriptor = unsafe open(
            file.map { CChar(bitPattern: $0) } + [0], O_WRONLY | O_CREAT | O_TRUNC, 0o640)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let count = unsafe Foundation.write(descriptor, contents, contents.count)
        try #require(count == contents.count)
        return file
    }

    /// Writes a text file and returns its absolute path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try write(Array(text.utf8), to: Array(name.utf8))
        return path + "/" + name
    }
}
