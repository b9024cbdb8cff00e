import ArgumentParser
import Evaluation
import Foundation

/// `dctrain eval`: how good models are on pictures whose folders tell what they show.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Judge models by the labels of pictures: neighbours and clusters.",
        discussion: """
            Sub-folders are labels. With --train and --test, the pictures of one folder are judged \
            by those of the other:
              dctrain eval model.safetensors model.int8.safetensors --train A --test B --untrained
            With one folder behind the checkpoints, its pictures are judged by one another:
              dctrain eval model.safetensors PICTURES

            k-NN is the share of pictures whose label their 20 nearest neighbours find. AMI, NMI \
            and purity compare clusters with labels: k-means fitted on the pictures, the mean of \
            three seeds, and the assignment to the clusters that the model ships.
            """)

    @Argument(
        help: ArgumentHelp(
            "Checkpoints, float or int8; behind them the pictures, without --test.",
            valueName: "ckpt"),
        completion: .file())
    var files: [String]

    @Option(help: ArgumentHelp("The pictures that vote.", valueName: "folder"))
    var train: String?

    @Option(help: ArgumentHelp("The pictures that are judged.", valueName: "folder"))
    var test: String?

    @Option(
        name: .customLong("k"),
        help: "The numbers of clusters to fit, 100,10 unless given.")
    var clusters: CountList?

    @Flag(help: "Judge the networks as they were before training, too.")
    var untrained = false

    @Option(help: "The number of threads; all processors by default.")
    var threads = ProcessInfo.processInfo.activeProcessorCount

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if train != nil, test == nil {
            throw ValidationError("--train needs --test: the pictures to judge")
        }
        if test == nil, files.count < 2 {
            throw ValidationError("give a folder of pictures behind the checkpoint, or --test")
        }
        guard threads > 0 else { throw ValidationError("--threads must be at least 1") }
    }

    func run() throws {
        let progress = TerminalProgress()
        let report = try Evaluator(request).run { place, done, total in
            if done == 0 { progress.begin("embedding \(place)", total: total, unit: "pictures") }
            progress.advance(to: done)
            if done == total { progress.end() }
        }
        for pictures in [report.train, report.test].compactMap(\.self) {
            for line in pictures.remarks { progress.line(line) }
        }
        print(json ? try report.json() : report.table)
    }

    private var request: EvaluationRequest {
        let checkpoints = test == nil ? Array(files.dropLast()) : files
        var request = EvaluationRequest(
            checkpoints: checkpoints, test: test ?? files[files.count - 1], train: train)
        request.clusters = clusters?.counts
        request.includesUntrained = untrained
        request.threads = threads
        return request
    }
}
