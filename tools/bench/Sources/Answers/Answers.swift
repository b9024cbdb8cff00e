import Foundation

/// Prints a value as one line of JSON with sorted keys, at once.
public func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var line = try encoder.encode(value)
    line.append(UInt8(ascii: "\n"))
    FileHandle.standardOutput.write(line)
}

/// The seconds of each of `calls` calls of `body`.
public func timed(calls: Int, _ body: () throws -> Void) rethrows -> [Double] {
    try (0..<calls).map { _ in
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
