import API
import Client
import Files
import FoundationEssentials
import Glibc

/// Standard output and standard error.
enum Output {
    /// Whether people read standard output.
    static let isTerminal = isatty(STDOUT_FILENO) == 1

    /// Writes bytes to standard output.
    static func write(_ bytes: [UInt8]) {
        write(bytes, to: STDOUT_FILENO)
    }

    /// Writes a line.
    static func line(_ text: String = "") {
        write(Array((text + "\n").utf8))
    }

    /// Writes a payload as JSON on a line.
    static func json(_ payload: some Encodable) throws {
        write(try Coding.encode(payload) + [UInt8(ascii: "\n")])
    }

    /// Writes exact paths, each ended by a zero byte, for `xargs -0`.
    static func paths(_ items: [some Located]) {
        write(items.flatMap { $0.location.bytes + [0] })
    }

    /// Writes a table, to the terminal's width.
    static func table(_ table: Table) {
        let noColour = ProcessInfo.processInfo.environment["NO_COLOR"] ?? ""
        let text = table.text(
            width: isTerminal ? terminalWidth : nil, bold: isTerminal && noColour.isEmpty)
        write(Array(text.utf8))
    }

    /// Writes a sentence to standard error.
    static func complain(_ sentence: String) {
        write(Array("dcctl: \(Table.printable(sentence))\n".utf8), to: STDERR_FILENO)
    }

    /// Shows how far something is on one line of a terminal, in place of what was shown before.
    static func showProgress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        write(Array("\r\u{1B}[2K\(Table.printable(text))".utf8), to: STDERR_FILENO)
    }

    /// Clears that line.
    static func endProgress() {
        guard isatty(STDERR_FILENO) == 1 else { return }
        write(Array("\r\u{1B}[2K".utf8), to: STDERR_FILENO)
    }

    private static var terminalWidth: Int? {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return nil
        }
        return Int(size.ws_col)
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            // Nobody reads on: end like every program in a pipe.
            guard count > 0 else { exit(EXIT_FAILURE) }
            rest = rest.dropFirst(count)
        }
    }
}
