import Foundation
import Imaging
import Model

/// Small square pictures, as the report shows them.
///
/// Every picture is decoded once, however often it is shown.
final class Thumbnails {
    /// The side of a thumbnail, twice what it takes on the page, for sharp screens.
    static let side = 112

    private let source: SampledPictures
    private var known: [Int: Picture] = [:]

    init(of source: SampledPictures) { self.source = source }

    /// The middle of a picture, by its number in the source; grey where it is there no more.
    func picture(_ index: Int) -> Picture {
        if let picture = known[index] { return picture }
        let side = Self.side
        let input = InputSpecification(width: side, height: side, shortSide: side, decode: .dct)
        let picture =
            (try? source.picture(at: index, for: input).centerView(for: input))
            ?? Picture(
                width: side, height: side,
                pixels: [UInt8](repeating: 128, count: side * side * 3))
        known[index] = picture
        return picture
    }

    /// A picture with its name.
    func image(_ index: Int) throws -> Markup {
        let name = source.path(of: index)
        return try Self.image(
            picture(index).jpeg(quality: 80), type: "jpeg", alternative: name, tip: name,
            width: Self.side / 2, height: Self.side / 2)
    }

    /// Several pictures in a square.
    func square(_ indices: [Int], alternative: String) throws -> Markup {
        let tiles = indices.map {
            picture($0).resized(width: Self.side / 2, height: Self.side / 2)
        }
        let sheet = FilterSheet.grid(tiles, columns: 3, gap: 1)
        return try Self.image(
            sheet.jpeg(quality: 78), type: "jpeg", alternative: alternative,
            tip: indices.map { source.path(of: $0) }.joined(separator: "\n"),
            width: sheet.width * 3 / 4, height: sheet.height * 3 / 4)
    }

    /// A picture within the page.
    static func image(
        _ bytes: [UInt8], type: String, alternative: String, tip: String, width: Int, height: Int,
        style: String = "thumb"
    ) -> Markup {
        """
        <img class="\(style)" loading="lazy" width="\(width)" height="\(height)" alt="\(alternative)" \
        title="\(tip)" src="data:image/\(type);base64,\(Data(bytes).base64EncodedString())">
        """
    }
}
