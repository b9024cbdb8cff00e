import Files
import Foundation
import Imaging
import Model
import TestSupport
import Testing

private let decoders = SharedData.unpacked("decoders.tar")

/// Every file of the shared collection of odd, damaged and hostile pictures.
@Suite(.enabled(if: decoders != nil, Comment(rawValue: SharedData.message)))
struct DecodersTests {
    private let root = decoders ?? ""

    // The picture of this file is good, and its 64 MiB of text are never inflated.
    private static let wholeAfterAll: Set = ["huge/png-text-bomb.png"]

    @Test(arguments: ["made", "pngsuite", "exif-orientation"])
    func outcomesAreThoseExpected(collection: String) throws {
        let folder = "\(root)/\(collection)"
        for row in try ExpectedOutcome.rows(of: "\(folder)/expected.tsv") {
            let path = FilePath(folder).appending(row.path)
            let name = Comment(rawValue: "\(collection)/\(row.name)")
            do {
                let found = try DecodedPicture(contentsOf: path)
                #expect(row.outcome != "error", name)
                #expect(found.picture.width == row.width, name)
                #expect(found.picture.height == row.height, name)
                #expect(found.originalWidth == row.width, name)
                if row.outcome == "ok" { #expect(found.damage == nil, name) }
                if row.outcome == "ok-warn" && !Self.wholeAfterAll.contains(row.name) {
                    #expect(found.damage != nil, name)
                }
            } catch {
                #expect(row.outcome != "ok", "\(name): \(error)")
                #expect(!error.description.isEmpty)
            }
        }
    }

    @Test func picturesThatLostPixelsAreRefused() throws {
        for name in ["cut-90.jpg", "progressive-cut-50.jpg", "png-cut-50.png"] {
            #expect(throws: ImagingError.self) {
                _ = try Picture(contentsOf: "\(root)/made/damaged/\(name)").width
            }
        }
    }

    @Test func picturesThatLostNonePassWithANote() throws {
        for name in ["no-eoi.jpg", "png-no-iend.png", "png-crc-text.png"] {
            let found = try DecodedPicture(contentsOf: "\(root)/made/damaged/\(name)")
            #expect(found.damage != nil)
        }
    }

    @Test(arguments: ["gif": "GIF", "webp": "WebP", "bmp": "BMP", "tiff": "TIFF"])
    func otherFormatsAreRefusedByName(kind: String, name: String) {
        #expect(throws: ImagingError.unsupportedFormat(name)) {
            try Picture(contentsOf: "\(root)/made/kinds/\(kind)-named.jpg")
        }
    }

    @Test func everyOrientationShowsThePlainPicture() throws {
        let plain = try Picture(contentsOf: "\(root)/made/jpeg/plain.jpg")
        let grey = try Picture(contentsOf: "\(root)/made/jpeg/grey.jpg")
        let folder = "\(root)/made/orientation"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let turned = try Picture(contentsOf: "\(folder)/\(name)")
            let reference = name.contains("grey") ? grey : plain
            #expect(meanDifference(turned, reference) < 2, Comment(rawValue: name))
        }
    }

    @Test(arguments: ["cmyk", "ycck"])
    func inkShowsThePlainPicture(kind: String) throws {
        let plain = try Picture(contentsOf: "\(root)/made/jpeg/plain.jpg")
        let ink = try Picture(contentsOf: "\(root)/made/jpeg/\(kind).jpg")
        #expect(meanDifference(ink, plain) < 4)
    }

    @Test(arguments: ["plain", "progressive", "cmyk"])
    func scaledDecodingKeepsTwiceTheTarget(kind: String) throws {
        let path: FilePath = "\(root)/made/jpeg/\(kind).jpg"
        let full = try DecodedPicture(contentsOf: path)
        // 160 rows: a half leaves 80, no less than 2 · 40, and too few for 2 · 41.
        let half = try DecodedPicture(contentsOf: path, decode: .dct, target: 40)
        #expect((half.picture.width, half.picture.height) == (120, 80))
        #expect((half.originalWidth, half.originalHeight) == (240, 160))
        #expect(meanDifference(half.picture, full.picture.resized(width: 120, height: 80)) < 3)
        #expect(try DecodedPicture(contentsOf: path, decode: .dct, target: 41) == full)
        #expect(try DecodedPicture(contentsOf: path, decode: .full, target: 1) == full)
    }

    // The references are BGRA and know nothing of gamma; alpha is composed over white here.
    @Test func pngSuiteEqualsItsReferences() throws {
        let folder = "\(root)/pngsuite"
        var compared = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/bmp") {
            let stem = name.replacing(".bmp", with: "")
            guard let picture = try? Picture(contentsOf: "\(folder)/png/\(stem).png") else {
                continue
            }
            let bytes = try [UInt8](Data(contentsOf: URL(filePath: "\(folder)/bmp/\(name)")))
            let reference = try #require(BitmapReference(bytes))
            #expect((picture.width, picture.height) == (reference.width, reference.height))
            let worst = zip(picture.pixels, reference.overWhite).map { abs(Int($0) - Int($1)) }
                .max()
            // One step of rounding; two where the reference rounded 16 bit before composing.
            #expect((worst ?? 255) <= (stem.hasSuffix("16") ? 2 : 1), Comment(rawValue: name))
            compared += 1
        }
        #expect(compared == 161)
    }
}

/// A line of an `expected.tsv`.
struct ExpectedOutcome {
    let path: [UInt8]
    let name: String
    let outcome: String
    let width, height: Int?

    static func rows(of path: String) throws -> [ExpectedOutcome] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return text.split(separator: "\n").dropFirst().map { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
                .map(String.init)
            return ExpectedOutcome(
                path: unescaped(fields[0]), name: fields[0], outcome: fields[1],
                width: Int(fields[2]), height: Int(fields[3]))
        }
    }

    /// `\\`, `\n`, `\t` and `\xHH` stand for one byte each.
    private static func unescaped(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        var rest = Substring(text)
        while let character = rest.popFirst() {
            guard character == "\\", let kind = rest.popFirst() else {
                result += Array(String(character).utf8)
                continue
            }
            switch kind {
            case "n": result.append(10)
            case "t": result.append(9)
            case "x":
                result.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
                rest.removeFirst(2)
            default: result.append(92)
            }
        }
        return result
    }
}

/// A bitmap of 32 bits a pixel with alpha, as the references of PngSuite are.
struct BitmapReference {
    let width, height: Int
    let overWhite: [UInt8]

    init?(_ bytes: [UInt8]) {
        func number(_ offset: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        guard bytes.count > 54, bytes[28] == 32 else { return nil }
        let (start, columns, rows) = (number(10), number(18), number(22))
        guard bytes.count >= start + columns * rows * 4 else { return nil }
        (width, height) = (columns, rows)
        overWhite = (0..<rows).flatMap { y in
            (0..<columns).flatMap { x in
                let pixel = start + ((rows - 1 - y) * columns + x) * 4
                let alpha = Double(bytes[pixel + 3]) / 255
                return [2, 1, 0].map { channel in
                    let value = Double(bytes[pixel + channel])
                    return UInt8((value * alpha + 255 * (1 - alpha)).rounded())
                }
            }
        }
    }
}

/// The mean difference of two pictures, in steps of 255; infinite when their sizes differ.
func meanDifference(_ a: Picture, _ b: Picture) -> Double {
    guard a.width == b.width, a.height == b.height else { return .infinity }
    let sum = zip(a.pixels, b.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
    return Double(sum) / Double(a.pixels.count)
}
