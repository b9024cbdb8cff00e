import Answers
import ArgumentParser
import Imaging
import Model
import Pictures
import Tensors

/// What `run load` measures: the batches that a run of DeepCluster reads in an epoch.
///
/// It prints one line of JSON when ready, then for each line `run N` the seconds of N epochs.
@main
struct LoadBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load-bench", abstract: "Times an epoch's pictures on request.")

    @Argument(help: "A folder of pictures, or a text file with one path a line.")
    var images: String

    @Option(help: "The side of the views in pixels.")
    var size: Int

    @Option(help: "Pictures a batch.")
    var batch: Int

    @Option(help: "Threads that make batches.")
    var threads: Int

    @Flag(help: "Centre views in order, instead of random crops.")
    var center = false

    @Flag(help: "Keep the decoded pictures in memory, as a run does that has enough of it.")
    var cached = false

    func run() throws {
        var input = InputSpecification.square(size)
        input.decode = .dct  // as `dctrain fit` reads pictures
        let store = try PictureStore(
            ListedPictures(at: images), input: input, memory: cached ? 8 << 30 : 0,
            threads: threads)
        let loader = BatchLoader(
            store, views: CropViews(large: .deepCluster), seed: 1, threads: threads)
        var (epoch, sum) = (0, Float(0))
        try printJSON(["pictures": store.count])
        while let line = readLine() {
            let words = line.split(separator: " ")
            guard words.first == "run", words.count == 2, let calls = Int(words[1]) else {
                throw ValidationError("'\(line)' is not 'run N'")
            }
            let times = try timed(calls: calls) {
                let count = center ? views(loader, &sum) : crops(loader, epoch, &sum)
                guard count == store.count else {
                    throw ValidationError("\(count) pictures of \(store.count)")
                }
                epoch += 1
            }
            guard sum.isFinite else { throw ValidationError("a pixel is \(sum)") }
            try printJSON(times)
        }
    }

    /// Takes all centre views; the number of them.
    private func views(_ loader: BatchLoader, _ sum: inout Float) -> Int {
        let views = loader.centerViews(batch: batch)
        var count = 0
        while let batch = views.next() {
            count += batch.shape[0]
            sum += batch.elements[0]
        }
        return count
    }

    /// Takes a crop of every picture in random order; the number of them.
    private func crops(_ loader: BatchLoader, _ epoch: Int, _ sum: inout Float) -> Int {
        var random = SeededGenerator(seed: 1, stream: UInt64(epoch))
        let requests = random.permutation(loader.store.count).enumerated().map {
            CropRequest(picture: $0.element, slot: $0.offset)
        }
        let batches = stride(from: 0, to: requests.count, by: batch).map {
            Array(requests[$0..<min(requests.count, $0 + batch)])
        }
        let crops = loader.crops(batches, epoch: epoch)
        var count = 0
        while let batch = crops.next() {
            count += batch.count
            sum += batch.large.elements[0]
        }
        return count
    }
}
