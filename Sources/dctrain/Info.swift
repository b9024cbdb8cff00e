import ArgumentParser
import Foundation
import Model

/// `dctrain info FILE`: what a checkpoint is, in a screen of text.
struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a checkpoint is: its network, input, clusters and origin.")

    @Argument(help: "A checkpoint, float or int8.", completion: .file(extensions: ["safetensors"]))
    var file: String

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let description = try CheckpointSummary(contentsOf: file)
        print(json ? try description.json() : description.text)
    }
}
