import Dispatch
import Imaging
import Model
import Synchronization
import Tensors

/// The centre views of some pictures of a folder, as a network reads them.
struct CalibrationPictures {
    /// `[n, height, width, 3]`.
    let pixels: Tensor<UInt8>

    /// Reads up to `count` pictures, drawn evenly from all; those that cannot be read are told
    /// on standard error and others take their place.
    ///
    /// The draw is the same each time, so that equal pictures give equal checkpoints.
    init(
        at path: String, count: Int, input: InputSpecification, threads: Int,
        progress: TerminalProgress
    ) throws {
        let entries = try PictureList(at: path).entries
        var random = SeededGenerator(seed: 0)
        let order = random.permutation(entries.count)
        var (values, found, unreadable) = ([UInt8](), 0, 0)
        progress.begin("reading pictures", total: min(count, order.count), unit: "pictures")
        for start in stride(from: 0, to: order.count, by: 4 * threads) where found < count {
            let chunk = order[start..<min(start + 4 * threads, order.count)]
            for view in Self.views(of: chunk.map { entries[$0] }, input: input) {
                if let view, found < count {
                    values += view.pixels
                    found += 1
                } else if view == nil {
                    unreadable += 1
                }
            }
            progress.advance(to: found)
        }
        progress.end()
        if unreadable > 0 {
            progress.line("\(unreadable.grouped) files in '\(path)' are no readable pictures")
        }
        guard found > 0 else {
            throw CommandFailure(
                "'\(path)' has no readable picture: give a folder with JPEG or PNG files")
        }
        pixels = Tensor(values, shape: [found, input.height, input.width, 3])
    }

    /// Decodes in parallel; the results keep the order of the entries.
    private static func views(
        of entries: [PictureList.Entry], input: InputSpecification
    ) -> [Picture?] {
        let results = Mutex([Picture?](repeating: nil, count: entries.count))
        DispatchQueue.concurrentPerform(iterations: entries.count) { index in
            let picture = try? Picture(
                contentsOf: entries[index].path, decode: input.decode, target: input.shortSide)
            let view = picture?.centerView(for: input)
            results.withLock { $0[index] = view }
        }
        return results.withLock { $0 }
    }
}
