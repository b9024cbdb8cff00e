import Imaging
import Model
import Pictures
import Tensors

/// The pictures that a report looks at: all of a place, or a random part of them.
struct SampledPictures: PictureSource {
    let place: String
    private let list: PictureList
    private let chosen: [Int]

    /// Pictures of a folder or a list.
    ///
    /// - Parameters:
    ///   - place: A folder, or a text file with one path a line.
    ///   - limit: At most how many, drawn at random where there are more.
    /// - Throws: `ImagingError` where there is no list or an empty one.
    init(at place: String, limit: Int) throws {
        self.place = place
        list = try PictureList(at: place)
        let all = list.entries.indices
        // A seed of its own: a report made again shows the same pictures.
        var random = SeededGenerator(seed: 1807)
        chosen =
            limit < all.count
            ? random.permutation(all.count).prefix(limit).sorted() : Array(all)
    }

    private init(_ place: String, _ list: PictureList, _ chosen: [Int]) {
        (self.place, self.list, self.chosen) = (place, list, chosen)
    }

    /// Some of these pictures.
    func only(_ indices: [Int]) -> SampledPictures {
        SampledPictures(place, list, indices.map { chosen[$0] })
    }

    var count: Int { chosen.count }
    /// The number of pictures at the place.
    var total: Int { list.entries.count }
    var digest: String { list.digest }
    /// The number of labels.
    var labelCount: Int { list.labelNames.count }

    func path(of index: Int) -> String { list.entries[chosen[index]].display }
    func label(of index: Int) -> Int? { list.entries[chosen[index]].label }

    /// The name of a picture's label.
    func labelName(of index: Int) -> String? { label(of: index).map { list.labelNames[$0] } }

    func picture(at index: Int, for input: InputSpecification) throws -> Picture {
        try Picture(
            contentsOf: list.entries[chosen[index]].path, decode: input.decode,
            target: input.shortSide)
    }
}
