import ArgumentParser
import Evaluation
import Foundation

/// `dctrain eval`: how good models are on pictures whose folders tell what they show, and at
/// finding other pictures of the same thing.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Judge models by labels: neighbours, clusters, linear probes, retrieval.",
        discussion: """
            Sub-folders are labels. With --train and --test, the pictures of one folder are judged \
            by those of the other:
              dctrain eval model.safetensors model.int8.safetensors --train A --test B --untrained
            With one folder behind the checkpoints, its pictures are judged by one another:
              dctrain eval model.safetensors PICTURES

            k-NN is the share of pictures whose label their k nearest neighbours find, by cosine, \
            among the pictures of --train or the others of the one folder. AMI, NMI, ARI, purity \
            and accuracy compare clusters with labels: k-means fitted on the pictures, the mean of \
            three seeds, and the assignment to the clusters that the model ships. Accuracy is that \
            of the best matching of one cluster with one label.

            With --probe, a linear layer learns the labels from the features behind each \
            convolution's ReLU, pooled to 9,600 dimensions at most, and from the embedding; the \
            share of labels that it finds on the test pictures is told for the last epoch. Of one \
            folder, every fifth picture of a label is tested. Of an int8 network, whose maps are \
            no floats, the embedding alone is probed.

            With --retrieval, a CSV file says which pictures show the same thing:
              path,instance,edit
              images/00.jpg,0,original
              images/00-flip.jpg,0,flip
              other/cat.jpg,,distractor
            Paths are relative to the file. Pictures without an instance are distractors. Each \
            edit searches for its original among originals and distractors, and the originals for \
            their edits among edits and distractors; without the column edit, each picture \
            searches for the others of its instance among all. R@k is the share of searches with a \
            right picture among the k first, mAP the mean of the average precision. It needs no \
            folder of pictures:
              dctrain eval model.safetensors --retrieval groundtruth.csv
            """)

    @Argument(
        help: ArgumentHelp(
            "Checkpoints, float or int8; behind them the pictures, without --test.",
            valueName: "ckpt"),
        completion: .file())
    var files: [String]

    @Option(help: ArgumentHelp("The pictures that vote and are learnt from.", valueName: "folder"))
    var train: String?

    @Option(help: ArgumentHelp("The pictures that are judged.", valueName: "folder"))
    var test: String?

    @Option(
        help: ArgumentHelp(
            "A CSV file that tells which pictures show the same.", valueName: "file"),
        completion: .file(extensions: ["csv"]))
    var retrieval: String?

    @Flag(help: "Probe layers and embeddings by a linear layer.")
    var probe = false

    @Option(
        help: ArgumentHelp(
            "The layers to probe, as in conv3,conv4; all unless given, or the last of each size "
                + "where these are more than 8.", valueName: "names"))
    var layers: String?

    @Option(help: "The passes of a probe over the pictures that it learns from.")
    var probeEpochs = 90

    @Option(help: "Layers are probed together whose features fit in so many MiB; one at least.")
    var memory = 2048

    @Option(help: "The number of neighbours that vote on a picture's label.")
    var neighbours = 20

    @Option(
        name: .customLong("k"),
        help: "The numbers of clusters to fit, 100,10 unless given.")
    var clusters: CountList?

    @Flag(help: "Judge the networks with the random weights of their seeds, too.")
    var untrained = false

    @Option(help: "The number of threads; all processors by default.")
    var threads = ProcessInfo.processInfo.activeProcessorCount

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if train != nil, test == nil {
            throw ValidationError("--train needs --test: the pictures to judge")
        }
        if test == nil, retrieval == nil, files.count < 2 {
            throw ValidationError(
                "give a folder of pictures behind the checkpoint, --test, or --retrieval")
        }
        if probe, pictures == nil {
            throw ValidationError("--probe needs pictures with labels: give --train and --test")
        }
        if layers != nil, !probe { throw ValidationError("--layers needs --probe") }
        guard neighbours > 0, threads > 0, probeEpochs > 0, memory > 0 else {
            throw ValidationError(
                "--neighbours, --threads, --probe-epochs and --memory must be at least 1")
        }
    }

    /// The folder of pictures to judge, which may stand behind the checkpoints.
    private var pictures: String? {
        if let test { return test }
        guard files.count > 1, let last = files.last else { return nil }
        var isFolder: ObjCBool = false
        _ = unsafe FileManager.default.fileExists(atPath: last, isDirectory: &isFolder)
        // Beside a ground truth, what is no folder is one more checkpoint.
        return retrieval == nil || isFolder.boolValue ? last : nil
    }

    func run() throws {
        let progress = TerminalProgress()
        var result = EvaluationResult()
        // Both are opened before either runs: what is wrong is told before the work is done.
        let evaluator = try request.map { try Evaluator($0) }
        let retriever = try retrieval.map {
            try RetrievalEvaluator(
                groundTruth: $0, checkpoints: checkpoints, includesUntrained: untrained,
                threads: threads)
        }
        result.labels = try evaluator?.run(progress: progress.show)
        result.retrieval = try retriever?.run(progress: progress.show)
        for line in result.remarks { progress.line(line) }
        print(json ? try result.json() : result.table)
    }

    private var checkpoints: [String] {
        test == nil && pictures != nil ? Array(files.dropLast()) : files
    }

    private var request: EvaluationRequest? {
        guard let pictures else { return nil }
        var request = EvaluationRequest(checkpoints: checkpoints, test: pictures, train: train)
        request.neighbours = neighbours
        request.clusters = clusters?.counts
        request.includesUntrained = untrained
        request.probes = probe
        request.probedLayers = layers?.split(separator: ",").map { String($0) }
        request.probeEpochs = probeEpochs
        request.probeMemory = memory << 20
        request.threads = threads
        return request
    }
}

/// What `eval` prints: the figures by labels, those of retrieval, or both.
struct EvaluationResult: Encodable {
    var labels: EvaluationReport?
    var retrieval: RetrievalReport?

    private enum CodingKeys: CodingKey {
        case retrieval
    }

    /// One object: that of the labels, with the retrieval in it.
    func encode(to encoder: any Encoder) throws {
        try labels?.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(retrieval, forKey: .retrieval)
    }

    /// Tables for people.
    var table: String {
        [labels?.table, labels?.probeTable, retrieval?.table].compactMap(\.self)
            .joined(separator: "\n\n")
    }

    /// What was left out, a line each.
    var remarks: [String] {
        [labels?.train, labels?.test].compactMap(\.self).flatMap(\.remarks)
            + (retrieval?.remarks ?? [])
    }
}

extension TerminalProgress {
    /// Shows how far an evaluation is; a step begins with nothing done.
    fileprivate func show(_ step: EvaluationStep, done: Int, of total: Int) {
        if done == 0 {
            switch step {
            case .embedding(let place):
                begin("embedding \(place)", total: total, unit: "pictures")
            case .probing(let checkpoint, let weights):
                begin("probing \(checkpoint), \(weights.rawValue)", total: total, unit: "layers")
            }
        }
        advance(to: done)
        if done == total { end() }
    }
}
