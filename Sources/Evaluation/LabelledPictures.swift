import Files
import Imaging
import Model
import Pictures

/// Pictures that each have a label, such as those of a folder: the name of the sub-folder they
/// lie in.
struct LabelledPictures {
    /// One picture and its label's name.
    struct Entry {
        let path: FilePath
        let name: String
        let label: String
    }

    /// The folder or list, for messages.
    let place: String
    /// The labelled pictures, in the order of the list.
    let entries: [Entry]
    /// How many files lie in no sub-folder and are left out.
    let unlabelled: Int

    /// Given pictures.
    init(place: String, entries: [Entry]) {
        (self.place, self.entries, unlabelled) = (place, entries, 0)
    }

    /// - Throws: `ImagingError` where there is no list; `EvaluationError.noLabels`.
    init(at place: String) throws {
        let list = try PictureList(at: place)
        self.place = place
        entries = list.entries.compactMap { entry in
            entry.label.map {
                Entry(path: entry.path, name: entry.display, label: list.labelNames[$0])
            }
        }
        unlabelled = list.entries.count - entries.count
        guard !entries.isEmpty else { throw EvaluationError.noLabels(place: place) }
    }
}

/// How a picture is cut for a network: what decides the pixels, without the normalization.
struct ViewGeometry: Hashable {
    private let width, height, shortSide: Int
    private let decode: DecodeMode

    init(_ input: InputSpecification) {
        (width, height) = (input.width, input.height)
        (shortSide, decode) = (input.shortSide, input.decode)
    }
}

/// The centre views of some pictures, one set for each way of cutting them.
struct ViewBatch: Sendable {
    /// The numbers of the readable pictures in the list.
    var readable: [Int] = []
    /// The pixels `[n, height, width, 3]` of the readable pictures, by geometry.
    var pixels: [ViewGeometry: [UInt8]] = [:]
    /// The files that cannot be read.
    var skipped: [SkippedPicture] = []

    /// Decodes some pictures.
    init(
        _ entries: ArraySlice<LabelledPictures.Entry>, _ inputs: [ViewGeometry: InputSpecification]
    ) {
        for (number, entry) in zip(entries.indices, entries) {
            do {
                let views = try inputs.mapValues { input in
                    try Picture(
                        contentsOf: entry.path, decode: input.decode, target: input.shortSide
                    ).centerView(for: input).pixels
                }
                readable.append(number)
                for (geometry, view) in views { pixels[geometry, default: []] += view }
            } catch {
                skipped.append(SkippedPicture(path: entry.name, reason: "\(error)"))
            }
        }
    }
}

extension ViewBatch {
    /// The batches of a list, decoded ahead of their use.
    ///
    /// - Parameters:
    ///   - entries: The pictures.
    ///   - inputs: The ways of cutting them.
    /// - Returns: The batches, in order.
    static func all(
        of entries: [LabelledPictures.Entry], _ inputs: [ViewGeometry: InputSpecification]
    ) -> Prefetcher<ViewBatch> {
        let size = Evaluator.batch
        return Prefetcher(0..<(entries.count + size - 1) / size, depth: 4) { number in
            ViewBatch(entries[number * size..<min(entries.count, (number + 1) * size)], inputs)
        }
    }
}

/// A file that is no readable picture.
public struct SkippedPicture: Codable, Equatable, Sendable {
    /// The file.
    public let path: String
    /// Why it cannot be used.
    public let reason: String
}
