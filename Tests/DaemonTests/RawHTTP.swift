import API
import Foundation

/// HTTP as bytes on a Unix socket, apart from the client that the product has.
enum RawHTTP {
    struct Answer: Sendable {
        let status: Int
        let headers: [String: String]
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }

        func json<Payload: Decodable>(_ type: Payload.Type) throws -> Payload {
            try Coding.decode(type, from: body)
        }
    }

    struct Broken: Error {}

    /// Sends a request and reads until the daemon closes.
    static func send(
        _ method: String, _ target: String, body: [UInt8] = [], headers: [String] = [],
        to socket: String
    ) async throws -> Answer {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: dcd", "Connection: close"] + headers
        if !body.isEmpty { lines.append("Content-Length: \(body.count)") }
        let request = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
        // On a thread of its own: a blocking call would keep a task's thread from the server.
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try parse(exchange(request, socket)) })
            }
        }
    }

    /// A connected socket.
    static func connect(_ path: String) throws -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Foundation.connect(
                    descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Broken() }
        return descriptor
    }

    private static func exchange(_ request: [UInt8], _ path: String) throws -> [UInt8] {
        let descriptor = try connect(path)
        defer { close(descriptor) }
        var rest = request[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Foundation.send(
                    descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        return readAll(descriptor)
    }

    /// What comes until the other end closes.
    static func readAll(_ descriptor: CInt) -> [UInt8] {
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return answer }
            answer += chunk[..<count]
        }
    }

    /// The parts of an answer; interim ones (100) are passed over.
    static func parse(_ bytes: [UInt8]) throws -> Answer {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw Broken() }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        let lines = head.components(separatedBy: "\r\n")
        guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw Broken() }
        if status == 100 { return try parse(Array(bytes[end.upperBound...])) }
        let pairs = lines.dropFirst().compactMap { line -> (String, String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (line[..<colon].lowercased(), String(value))
        }
        let headers = Dictionary(pairs) { $1 }
        let body = Array(bytes[end.upperBound...])
        return Answer(
            status: status, headers: headers,
            body: headers["transfer-encoding"] == "chunked" ? try dechunked(body) : body)
    }

    private static func dechunked(_ bytes: [UInt8]) throws -> [UInt8] {
        var body: [UInt8] = []
        var rest = bytes[...]
        while let line = rest.firstRange(of: Array("\r\n".utf8)) {
            let size = String(decoding: rest[..<line.lowerBound], as: UTF8.self)
            guard let count = Int(size, radix: 16) else { throw Broken() }
            rest = rest[line.upperBound...]
            if count == 0 { return body }
            body += rest.prefix(count)
            rest = rest.dropFirst(count + 2)
        }
        return body
    }
}
