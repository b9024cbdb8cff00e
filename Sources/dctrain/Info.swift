import ArgumentParser
import Foundation
import Model

/// `dctrain info FILE`: what a checkpoint is, in a screen of text; `dctrain info --cpu`: what this
/// machine computes with.
struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a checkpoint is: its network, input, clusters and origin.",
        discussion: """
            With --cpu and no file it shows this machine: the CPU, the kernels that the int8 engine \
            and OpenBLAS use on it and why, threads and caches.
            """)

    @Argument(help: "A checkpoint, float or int8.", completion: .file(extensions: ["safetensors"]))
    var file: String?

    @Flag(help: "Show the CPU and the kernels in use on it.")
    var cpu = false

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (file == nil) == cpu else {
            throw ValidationError(
                cpu ? "--cpu is about this machine: give no file" : "give a checkpoint, or --cpu")
        }
    }

    func run() throws {
        if let file {
            let description = try CheckpointSummary(contentsOf: file)
            print(json ? try description.json() : description.text)
        } else {
            let description = try CPUSummary()
            print(json ? try description.json() : description.text)
        }
    }
}
