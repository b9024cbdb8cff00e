import Clustering
import Evaluation
import Files
import Foundation
import LinearAlgebra
import Model
import Pictures

/// Makes a run's `report.html`: one file that needs no network, no script and no other program.
///
/// It shows what the run folder holds, and, where the run is finished and its pictures are
/// there, what the model makes of them. The folder is only read but for the report itself, so
/// that a report can be made while the run goes on.
public struct RunReport {
    /// What a report is busy with, each counted in its items.
    public enum Step: String, Sendable {
        /// Running the model on pictures.
        case looking
        /// Linear probes, counted in layers.
        case probing
        /// Putting the page together, counted in sections.
        case writing
    }

    /// What was written.
    public struct Result: Codable, Equatable, Sendable {
        /// The page.
        public let report: String
        /// Its size.
        public let bytes: Int
        /// The number of pictures that the model was run on; 0 without a model or pictures.
        public let pictures: Int
    }

    /// The run folder.
    public var run: String
    /// The pictures; where they are not given, those of the report before.
    public var images: String?
    /// At most so many pictures are looked at, drawn at random where there are more.
    public var pictures = 5000
    /// At most so many of them are used for probes; fewer than 20 make none.
    public var probed = 1200
    /// The number of threads.
    public var threads: Int
    /// Whether to stop; asked after every batch.
    public var shouldStop: () -> Bool = { false }

    private let newestState: () -> String?

    /// The report of a run.
    ///
    /// - Parameters:
    ///   - run: The run folder.
    ///   - images: A folder of pictures or a text file with one path per line.
    ///   - threads: How many threads share the work.
    ///   - newestState: The file with the newest saved state of the run, where there is one; asked
    ///     while the run may go on.
    public init(
        of run: String, images: String? = nil, threads: Int,
        newestState: @escaping () -> String?
    ) {
        (self.run, self.images, self.threads) = (run, images, threads)
        self.newestState = newestState
    }

    /// Where a run's report lies.
    ///
    /// - Parameter run: The run folder.
    /// - Returns: The path of the page.
    public static func path(in run: String) -> String { "\(run)/report.html" }

    /// Makes the page.
    ///
    /// - Parameter progress: Told what is under way, how much of it is done, and of how much.
    /// - Returns: What was written.
    /// - Throws: `ReportError.noRun`; `Interruption` where it was stopped; `ImagingError`,
    ///   `CheckpointError` and others where pictures or the model cannot be used.
    public func write(
        progress: (_ step: Step, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) throws -> Result {
        BLAS.setThreads(threads)
        let record = try RunRecord(folder: run, newestState: newestState)
        let path = Self.path(in: record.folder)
        let remembered = images == nil ? ReportMemory.read(record.folder)?.images : nil
        let place =
            try images.map(Self.absolute)
            ?? remembered.flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
        let model = try record.model()
        var page = ReportPage(record)
        var looked = 0
        if let model {
            try page.add(model)
            if let place {
                let findings = try look(at: place, with: model, record, progress)
                looked = findings.survey.readable.count
                progress(.writing, 0, 1)
                try page.add(findings)
                try ReportMemory(images: place).write(record.folder)
            } else {
                let reason = remembered.map { "are not at '\($0)' any more" }
                page.missing = """
                    The pictures of this run \(reason ?? "are not known here"): \
                    'dctrain report \(run) --images FOLDER' adds what the model makes of them.
                    """
            }
        } else {
            try page.addState()
            if let place { try ReportMemory(images: place).write(record.folder) }
        }
        let html = Array(page.html.utf8)
        try DurableFile.write(html, to: FilePath(path))
        progress(.writing, 1, 1)
        return Result(report: path, bytes: html.count, pictures: looked)
    }

    private static func absolute(_ place: String) throws -> String {
        guard FileManager.default.fileExists(atPath: place) else {
            // Told here as everywhere else.
            _ = try SampledPictures(at: place, limit: 1)
            return place
        }
        return URL(filePath: place).standardizedFileURL.path(percentEncoded: false)
    }

    /// At most `most` of `count` places, evenly over all: pictures come folder by folder, so a
    /// part of their list lacks labels.
    package static func spread(_ most: Int, over count: Int) -> [Int] {
        let chosen = max(0, min(most, count))
        return (0..<chosen).map { $0 * count / chosen }
    }

    private func check() throws {
        if shouldStop() { throw Interruption() }
    }
}

// MARK: - What the model makes of the pictures

extension RunReport {
    private func look(
        at place: String, with model: Checkpoint, _ record: RunRecord,
        _ progress: (Step, Int, Int) -> Void
    ) throws -> ReportFindings {
        let source = try SampledPictures(at: place, limit: pictures)
        let weights = try NetworkWeights(model)
        let layers = try ProbedLayers(
            of: model.network, inputShape: model.inputShape, most: Self.probeDimensions)
        progress(.looking, 0, source.count)
        let survey = try PictureSurvey(
            of: source, by: weights, watching: layers, threads: threads
        ) { done in
            progress(.looking, done, source.count)
            try check()
        }
        progress(.looking, source.count, source.count)
        return ReportFindings(
            survey: survey, clusters: model.clustering?.clusters ?? 0,
            probes: try probes(survey, model, weights, record, progress))
    }

    /// Fewer than the published 9,600, which keeps a report to seconds.
    private static let probeDimensions = 2400

    /// What `dctrain eval --json` said, where the run folder has it as `eval.json`; or quick
    /// probes on some of the pictures, where all of them have labels.
    private func probes(
        _ survey: PictureSurvey, _ model: Checkpoint, _ weights: NetworkWeights,
        _ record: RunRecord, _ progress: (Step, Int, Int) -> Void
    ) throws -> ReportFindings.Probes? {
        if let told = ReportFindings.Probes(evaluationIn: record.folder) { return told }
        guard let split = LabelledSplit(survey, most: probed) else { return nil }
        let before = try NetworkWeights(beforeTrainingOf: model)
        var probing = LayerProbing()
        probing.threads = threads
        var models: [(name: String, figures: [LayerFigures])] = []
        var done = 0
        let networks = [("random weights", before), ("trained", weights)]
        let layers = try networks.map {
            try ProbedLayers(
                of: $0.1.network, inputShape: $0.1.inputShape, most: Self.probeDimensions)
        }
        let total = layers.reduce(0) { $0 + $1.layers.count }
        progress(.probing, 0, total)
        for (network, layers) in zip(networks, layers) {
            let figures = try probing.run(
                layers, of: network.1, classes: survey.source.labelCount,
                pictures: split.count,
                train: { split.pass(split.train, for: model.input, threads: threads) },
                test: { split.pass(split.test, for: model.input, threads: threads) },
                done: { _ in
                    done += 1
                    progress(.probing, done, total)
                    try check()
                })
            models.append((network.0, figures))
        }
        return ReportFindings.Probes(
            models: models,
            caption: "Learnt on \(split.train.count.grouped) pictures and judged by "
                + "\(split.test.count.grouped) others, on features pooled to at most "
                + "\(Self.probeDimensions.grouped) dimensions, \(probing.probe.epochs) epochs, by "
                + "the names of the folders. 'dctrain eval --probe' measures it in full; its "
                + "--json output, kept as eval.json in the run folder, is shown in place of this.")
    }
}

/// Labelled pictures of a survey, some to learn from and some to be judged by.
private struct LabelledSplit {
    let source: SampledPictures
    private(set) var train: [Int] = []
    private(set) var test: [Int] = []

    /// Every fifth picture of each label is judged by.
    ///
    /// - Returns: `nil` where a picture has no label, all have the same, or there are too few.
    init?(_ survey: PictureSurvey, most: Int) {
        source = survey.source
        let readable = survey.readable
        let chosen = RunReport.spread(most, over: readable.count).map { readable[$0] }
        guard chosen.count >= 20, readable.allSatisfy({ source.label(of: $0) != nil })
        else { return nil }
        var split = EveryFifth<Int>()
        for index in chosen {
            let isJudged = split.isJudged(source.label(of: index) ?? 0)
            if isJudged { test.append(index) } else { train.append(index) }
        }
        guard split.labels > 1, !test.isEmpty else { return nil }
    }

    var count: Int { train.count + test.count }

    /// A pass over the pixels of some of them.
    func pass(
        _ indices: [Int], for input: InputSpecification, threads: Int
    ) -> (() -> LabelledPixels?) {
        let chosen = source.only(indices)
        let batches = CenterViewBatch.all(of: chosen, for: input, size: 64, threads: threads)
        return {
            batches.next().map { batch in
                LabelledPixels(
                    pixels: batch.pixels,
                    labels: batch.pictures.map { Int32(chosen.label(of: $0) ?? 0) })
            }
        }
    }
}

/// What a report remembers for the next one: `report.json` in the run folder.
private struct ReportMemory: Codable {
    /// The absolute path of the pictures.
    let images: String

    static func read(_ folder: String) -> ReportMemory? {
        FileManager.default.contents(atPath: "\(folder)/report.json")
            .flatMap { try? JSONDecoder().decode(ReportMemory.self, from: $0) }
    }

    func write(_ folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes]
        try DurableFile.write([UInt8](encoder.encode(self)) + [10], to: "\(folder)/report.json")
    }
}
