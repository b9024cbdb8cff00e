package import Imaging
public import Model
private import Synchronization

/// The readable pictures of a source: their centre views, and shrunk copies to cut crops from.
///
/// Every picture is decoded once when the store is made, which finds the unreadable ones.
/// What fits the memory budget is kept; the rest is decoded again each time, with the same
/// result, so the budget changes the speed and never the outcome.
public final class PictureStore: Sendable {
    /// The input that centre views are made for.
    public let input: InputSpecification
    /// The files that cannot be read.
    public let skipped: [SkippedFile]
    /// How many pictures are kept in memory.
    public let cachedCount: Int
    private let source: any PictureSource
    private let readable: [Int]  // numbers in the source
    private let cache: [Entry?]
    private let lost = Mutex<[Int: String]>([:])

    private struct Entry: Sendable {
        let center: [UInt8]
        let picture: Picture

        var size: Int { center.count + picture.pixels.count + 128 }
    }

    /// Decodes all pictures of `source`.
    ///
    /// - Parameters:
    ///   - source: Where pictures come from.
    ///   - input: The network's input.
    ///   - memory: At most how many bytes of pictures are kept.
    ///   - threads: How many pictures are decoded at once.
    ///   - known: Where a run goes on, the files that it began without, as fields of a table: no
    ///     other is left out. One that is unreadable now is grey in its place, so that every
    ///     picture keeps its number.
    ///   - progress: Told how many pictures are done; returns false to stop.
    /// - Throws: `PictureError.noReadablePicture`, or `Interruption` if stopped.
    public init(
        _ source: any PictureSource, input: InputSpecification, memory: Int, threads: Int,
        skipping known: Set<String>? = nil, progress: (Int) -> Bool = { _ in true }
    ) throws {
        // Several pictures an item keep the threads from waiting for each other.
        let chunk = 16
        let chunks = (source.count + chunk - 1) / chunk
        let decoded = Prefetcher(0..<chunks, depth: threads + 2) { number in
            (number * chunk..<min(source.count, (number + 1) * chunk)).map { index in
                Result { try Self.load(source, index, input) }.mapError { Reason("\($0)") }
            }
        }
        var readable: [Int] = []
        var cache: [Entry?] = []
        var skipped: [SkippedFile] = []
        var remaining = memory
        var index = 0
        while let results = decoded.next() {
            for result in results {
                let path = source.path(of: index)
                let wasReadable = known.map { !$0.contains(path.tableField) }
                switch result {
                case .success(let entry) where wasReadable ?? true:
                    readable.append(index)
                    cache.append(entry.size <= remaining ? entry : nil)
                    remaining -= min(remaining, entry.size)
                case .failure where wasReadable ?? false:
                    readable.append(index)
                    cache.append(nil)
                case .success:
                    let reason = "was unreadable when the run began"
                    skipped.append(SkippedFile(path: path, reason: reason))
                case .failure(let reason):
                    skipped.append(SkippedFile(path: path, reason: reason.text))
                }
                index += 1
            }
            guard progress(index) else { throw Interruption() }
        }
        guard !readable.isEmpty else {
            throw PictureError.noReadablePicture(images: source.place, tried: source.count)
        }
        (self.source, self.input) = (source, input)
        (self.readable, self.cache, self.skipped) = (readable, cache, skipped)
        cachedCount = cache.count { $0 != nil }
    }

    /// The number of readable pictures.
    public var count: Int { readable.count }

    /// How many bytes of pictures are kept in memory.
    package var cachedBytes: Int { cache.reduce(0) { $0 + ($1?.size ?? 0) } }

    /// The label numbers of the pictures, where every one has a label.
    package var labels: [Int32]? {
        let labels = readable.compactMap { source.label(of: $0).map(Int32.init) }
        return labels.count == count ? labels : nil
    }

    /// The centre view of a picture: `[height, width, 3]` bytes.
    package func centerView(_ index: Int) -> [UInt8] {
        cache[index]?.center ?? decoded(index).centerView(for: input).pixels
    }

    /// A picture to cut crops from, shrunk to no less than what these need.
    package func picture(_ index: Int) -> Picture {
        cache[index]?.picture
            ?? decoded(index).shrunk(toShortSide: Self.cropSource(for: input))
    }

    /// Files that were readable at first and are not any more; grey stands in for them.
    package var lostPictures: [SkippedFile] {
        lost.withLock { lost in
            lost.sorted { $0.key < $1.key }.map {
                SkippedFile(path: source.path(of: readable[$0.key]), reason: $0.value)
            }
        }
    }

    private func decoded(_ index: Int) -> Picture {
        do {
            return try source.picture(at: readable[index], for: input)
        } catch {
            lost.withLock { $0[index] = "became unreadable: \(error)" }
            return Picture(
                width: input.width, height: input.height,
                pixels: [UInt8](repeating: 128, count: input.height * input.width * 3))
        }
    }

    private static func load(
        _ source: any PictureSource, _ index: Int, _ input: InputSpecification
    ) throws -> Entry {
        let picture = try source.picture(at: index, for: input)
        return Entry(
            center: picture.centerView(for: input).pixels,
            picture: picture.shrunk(toShortSide: cropSource(for: input)))
    }

    /// The short side from which crops are cut: half as much again as the centre view is cut
    /// from, since crops enlarge a part, but no more than 256 pixels where the view is smaller.
    static func cropSource(for input: InputSpecification) -> Int {
        max(input.shortSide, min(input.shortSide * 3 / 2, 256))
    }

    private struct Reason: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }
}

extension Picture {
    /// The picture with its short side reduced to `side`, or itself where it is no longer.
    func shrunk(toShortSide side: Int) -> Picture {
        let short = min(width, height)
        guard short > side else { return self }
        return resized(width: width * side / short, height: height * side / short)
    }
}
