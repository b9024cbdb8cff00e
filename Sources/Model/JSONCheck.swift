import Foundation

/// What JSON from a file must keep before Foundation's decoder is given it.
///
/// The decoder takes an object that has a key twice, and readers differ in which of the two they
/// believe; and the memory it takes grows with the number of values, to many times the size of
/// the text. One pass over the text, which builds nothing but the names of the keys, refuses
/// both. What is no JSON at all is left for the decoder to refuse.
struct JSONCheck {
    /// Twice as deep as a checkpoint's header is nested.
    static let deepest = 8
    /// Some thirty times the values in the header of a ResNet-50.
    static let mostValues = 1 << 18
    /// Longer than any tensor's name, and than any number is written.
    static let longestKey = 512

    private static let spaces = Array(" \t\n\r".utf8)
    private static let wordEnds = spaces + Array(",:{}[]\"".utf8)

    /// Why a text is refused: where in it, as in `layers.3.kernel`, and the reason.
    struct Problem: Error, Equatable {
        var path: String
        var reason: String
    }

    /// An object or an array that is open at the byte being read.
    private struct Level {
        /// The keys met in an object, `nil` for an array.
        var keys: Set<String>?
        /// The key of the current value, or the number of values before it.
        var name = ""
        var index = 0
        /// Whether a string found now would be a key.
        var expectsKey: Bool
    }

    private let text: [UInt8]
    private let isHeader: Bool
    private var place = 0
    private var levels: [Level] = []
    private var values = 0

    private init(_ text: [UInt8], isHeader: Bool) {
        (self.text, self.isHeader) = (text, isHeader)
    }

    /// Checks a text.
    ///
    /// - Parameters:
    ///   - text: The text, which need not be JSON.
    ///   - isHeader: Whether it is a safetensors header, whose numbers fit in `Int` (the decoder
    ///     refuses others, but does not say where they are) and whose texts are short outside
    ///     the metadata.
    /// - Throws: The first problem.
    static func run(_ text: [UInt8], isHeader: Bool = false) throws(Problem) {
        guard (try? UTF8Span(validating: text.span)) != nil else {
            throw Problem(path: "", reason: "it is not UTF-8")
        }
        var check = JSONCheck(text, isHeader: isHeader)
        while check.place < text.count { try check.readToken() }
    }

    private mutating func readToken() throws(Problem) {
        if Self.spaces.contains(text[place]) { return place += 1 }
        guard values == 0 || !levels.isEmpty else {
            throw Problem(path: "", reason: "it goes on after its end")
        }
        switch text[place] {
        case UInt8(ascii: "{"): try open(Level(keys: [], expectsKey: true))
        case UInt8(ascii: "["): try open(Level(expectsKey: false))
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            levels.removeLast(min(1, levels.count))
            place += 1
        case UInt8(ascii: ","):
            if let last = levels.indices.last {
                levels[last].expectsKey = levels[last].keys != nil
                levels[last].index += 1
            }
            place += 1
        case UInt8(ascii: "\""): try readString()
        case UInt8(ascii: ":"): place += 1
        default: try readWord()
        }
    }

    private mutating func open(_ level: Level) throws(Problem) {
        try countValue()
        levels.append(level)
        guard levels.count <= Self.deepest else {
            throw problem("it is nested more than \(Self.deepest) deep")
        }
        place += 1
    }

    private mutating func countValue() throws(Problem) {
        values += 1
        guard values <= Self.mostValues else {
            throw Problem(path: "", reason: "it holds more than \(Self.mostValues) values")
        }
    }

    /// A number, `true`, `false` or `null`.
    private mutating func readWord() throws(Problem) {
        try countValue()
        let start = place
        while place < text.count, !Self.wordEnds.contains(text[place]) { place += 1 }
        guard place - start <= Self.longestKey else {
            throw problem("a number has \(place - start) characters")
        }
        let word = String(decoding: text[start..<place], as: UTF8.self)
        guard !isHeader || Int(word) != nil || word.first?.isLetter == true else {
            throw problem("\(word) is no whole number of 64 bits")
        }
    }

    private mutating func readString() throws(Problem) {
        let start = place
        place += 1
        while place < text.count, text[place] != UInt8(ascii: "\"") {
            place += text[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        place = min(place + 1, text.count)
        guard let last = levels.indices.last, levels[last].expectsKey else {
            let mayBeLong = !isHeader || levels.first?.name == "__metadata__"
            guard mayBeLong || place - start <= Self.longestKey else {
                throw problem("a text has \(place - start) characters")
            }
            return try countValue()
        }
        levels[last].expectsKey = false
        guard place - start <= Self.longestKey else {
            throw problem("a name has \(place - start) characters")
        }
        let key = Self.unquoted(text[start..<place])
        levels[last].name = key
        guard levels[last].keys?.insert(key).inserted ?? true else {
            throw problem("it is there twice")
        }
    }

    /// The characters of a string as it is written, with its quotes.
    private static func unquoted(_ string: ArraySlice<UInt8>) -> String {
        // Escapes are rare; the decoder knows them all, and refuses the others later.
        if string.contains(UInt8(ascii: "\\")),
            let key = try? JSONDecoder().decode(String.self, from: Data(string))
        {
            return key
        }
        return String(decoding: string.dropFirst().dropLast(), as: UTF8.self)
    }

    private func problem(_ reason: String) -> Problem {
        let path = levels.prefix(Self.deepest).map { $0.keys == nil ? "\($0.index)" : $0.name }
        return Problem(path: path.joined(separator: "."), reason: reason)
    }
}
