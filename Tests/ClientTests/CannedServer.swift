import Foundation
import Synchronization

/// A server on a Unix socket whose answers were written beforehand, one a connection.
final class CannedServer: Sendable {
    let path: String
    private let listener: CInt
    private let state: Mutex<(answers: [[UInt8]], requests: [String])>

    /// Every request that came, whole, as text.
    var requests: [String] { state.withLock { $0.requests } }

    init(at path: String, answers: [[UInt8]]) throws {
        self.path = path
        state = Mutex((answers, []))
        listener = try Self.listen(path)
        Thread.detachNewThread { [self] in
            while let answer = state.withLock({ $0.answers.first }) {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                let request = Self.request(connection)
                state.withLock {
                    $0.answers.removeFirst()
                    $0.requests.append(request)
                }
                _ = unsafe send(connection, answer, answer.count, CInt(MSG_NOSIGNAL))
                close(connection)
            }
        }
    }

    /// Stops listening and leaves the socket's file, as a crash does.
    func die() {
        shutdown(listener, CInt(SHUT_RDWR))
        close(listener)
    }

    static func listen(_ path: String) throws -> CInt {
        let listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listener, $0, size)
            }
        }
        guard result == 0, Foundation.listen(listener, 16) == 0 else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
        return listener
    }

    /// Reads a head and as much of a body as it announces.
    private static func request(_ connection: CInt) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(connection, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
            let text = String(decoding: bytes, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { continue }
            let announced = text.split(separator: "\r\n").compactMap { line in
                line.hasPrefix("content-length: ") ? Int(line.dropFirst(16)) : nil
            }
            if text[end.upperBound...].utf8.count >= announced.first ?? 0 { return text }
        }
    }

    /// A whole answer.
    static func answer(_ status: Int, _ body: String) -> [UInt8] {
        Array(
            """
            HTTP/1.1 \(status) X\r
            content-length: \(body.utf8.count)\r
            \r
            \(body)
            """.utf8)
    }

    /// An answer in chunks.
    static func chunked(_ chunks: [String], isWhole: Bool = true) -> [UInt8] {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        let body = chunks.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined()
        return Array((head + body + (isWhole ? "0\r\n\r\n" : "")).utf8)
    }
}
