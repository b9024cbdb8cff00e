import Foundation
import TestSupport
import Testing

/// From a network that is used as it is to an int8 model: cluster, quantize, embed.
@Suite(.serialized)
struct FrozenModelTests {
    private let home: TemporaryFolder
    private let model: TrainedModel

    init() async throws {
        home = try TemporaryFolder()
        model = try await TrainedModel.shared()
        try SyntheticPictures.write(0..<60, to: home.path("pictures"))
        try home.write(Array("no picture".utf8), to: "pictures/notes.png")
    }

    private func run(_ arguments: String...) async throws -> Outcome {
        let outcome = try await Outcome(of: Program.dctrain.path, arguments)
        guard outcome.status == 0 else { throw Unexpected("\(arguments): \(outcome.errors)") }
        return outcome
    }

    @Test func clustersQuantizesAndEmbeds() async throws {
        let (pictures, float, int8) = (
            home.path("pictures"), home.path("float.safetensors"), home.path("int8.safetensors")
        )
        let report = try await run(
            "cluster", pictures, "--model", model.float, "-o", float, "--clusters", "6",
            "--dimensions", "12", "--whiten", "-0.5", "--float", "--json"
        ).json()
        #expect(report["drift"] == nil)
        #expect(report["pictures"] as? Int == 60)
        #expect((report["clusters"] as? [[String: Any]])?.count == 6)
        let skipped = try String(contentsOfFile: "\(float).skipped.tsv", encoding: .utf8)
        #expect(skipped.hasPrefix("path\treason\nnotes.png\t"))

        let drift = try await run(
            "quantize", float, "--calibrate", pictures, "--compare", pictures, "-o", int8, "--json"
        ).json()
        #expect(drift["pictures"] as? Int == 60)
        #expect(drift["mean_cosine"] as? Double ?? 0 > 0.98)
        #expect(drift["neighbour_overlap"] as? Double ?? 0 > 0.5)

        for (name, checkpoint) in [("a", float), ("b", int8)] {
            let found = try await run(
                "embed", pictures, "--model", checkpoint, "-o", home.path(name), "--json",
                "--pixels"
            ).json()
            #expect(found["pictures"] as? Int == 60)
            #expect(found["dimension"] as? Int == 12)
            let array = try Data(contentsOf: URL(filePath: home.path("\(name).npy")))
            #expect(array.count % 64 == 60 * 12 * 4 % 64)
            let table = try String(contentsOfFile: home.path("\(name).tsv"), encoding: .utf8)
            #expect(table.split(separator: "\n").count == 61)
        }
        #expect(
            FileManager.default.contentsEqual(
                atPath: home.path("a.pixels.npy"), andPath: home.path("b.pixels.npy")))
    }

    // The same in one go, for what the daemon's engine sees.
    @Test func clustersInEightBits() async throws {
        let (pictures, output) = (home.path("pictures"), home.path("direct.safetensors"))
        for (bits, method) in [("8", "k-means"), ("7", "graph")] {
            let report = try await run(
                "cluster", pictures, "--model", model.float, "-o", output, "--clusters", "5",
                "--dimensions", "12", "--pictures", "40", "--weight-bits", bits, "--method",
                method, "--table", home.path("table.tsv"), "--json"
            ).json()
            let drift = try #require(report["drift"] as? [String: Any])
            #expect(drift["pictures"] as? Int == 40)
            #expect(drift["mean_cosine"] as? Double ?? 0 > 0.98)
            let described = try await run("info", output, "--json").json()
            #expect(described["precision"] as? String == "int8")
            #expect(described["weight_bits"] as? Int == Int(bits))
            // What the report says of each picture, the model says of it too.
            let embedded = try await run(
                "embed", pictures, "--model", output, "-o", home.path("direct"), "--json"
            ).json()
            #expect(embedded["dimension"] as? Int == 12)
            let columns = try ["table.tsv", "direct.tsv"].map { name in
                try String(contentsOfFile: home.path(name), encoding: .utf8)
                    .split(separator: "\n").map { $0.split(separator: "\t").prefix(2) }
            }
            #expect(columns[0] == columns[1])
            #expect(columns[0].count == 61)
        }
    }

    @Test func showsWhatThisMachineComputesWith() async throws {
        let found = try await run("info", "--cpu", "--json").json()
        #expect(found["threads"] as? Int ?? 0 > 0)
        #expect((found["instruction_sets"] as? [String])?.last == "reference")
        let kernel = try #require(found["blas_kernel"] as? String)
        #expect(try await run("info", "--cpu").output.contains(kernel))
        // A machine whose CPU the library does not know gets what CPUID allows all the same.
        let chosen = try await Outcome(
            of: Program.dctrain.path, ["info", "--cpu", "--json"],
            environment: ["OPENBLAS_CORETYPE": "", "DC_BLAS_OWN": "Prescott"]
        ).json()
        let sets = found["instruction_sets"] as? [String] ?? []
        if sets.contains("avx2") {
            #expect(["Haswell", "SkylakeX"].contains(chosen["blas_kernel"] as? String))
            #expect((chosen["blas_kernel_reason"] as? String)?.contains("Prescott") == true)
        }
        // What the user asks for is taken.
        let asked = try await Outcome(
            of: Program.dctrain.path, ["info", "--cpu"],
            environment: ["OPENBLAS_CORETYPE": "Prescott"])
        #if arch(x86_64)
        #expect(asked.output.contains("Prescott, as OPENBLAS_CORETYPE asks"))
        #endif
        for arguments in [["info"], ["info", "--cpu", model.float]] {
            #expect(try await Outcome(of: Program.dctrain.path, arguments).status == 64)
        }
    }

    // The features are written once; other clusters are then found without looking again.
    @Test func clustersAgainFromFeatures() async throws {
        let (pictures, backbone) = (home.path("pictures"), home.path("backbone.safetensors"))
        let weights = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../ExchangeTests/Fixtures/resnet18-safetensors-float16-plain.safetensors")
        _ = try await run("import", weights.path, "-o", backbone)
        _ = try await run("embed", pictures, "--model", backbone, "-o", home.path("kept"))
        let examples = "0/picture-3.png\n1/picture-10.png\n5/picture-52.png\n"
        try home.write(Array(examples.utf8), to: "examples.txt")

        func table(_ name: String, _ more: String...) async throws -> [[Substring]] {
            let arguments = [
                "cluster", pictures, "--model", backbone, "-o", home.path("out.safetensors"),
                "--examples", home.path("examples.txt"), "--table", home.path(name), "--float",
            ]
            let outcome = try await Outcome(of: Program.dctrain.path, arguments + more)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let text = try String(contentsOfFile: home.path(name), encoding: .utf8)
            return text.split(separator: "\n").map { $0.split(separator: "\t") }
        }
        let seen = try await table("seen.tsv")
        let recalled = try await table("recalled.tsv", "--features", home.path("kept.npy"))
        #expect(seen.count == 61)
        #expect(seen.map { $0.prefix(2) } == recalled.map { $0.prefix(2) })
    }

    @Test func refusesInOneSentence() async throws {
        let output = home.path("out.safetensors")
        try home.write(Array("no numbers\n".utf8), to: "text.npy")
        for (arguments, status, text) in [
            ([home.path("pictures"), "--clusters", "62"], 1, "61"),
            ([home.path("nowhere")], 1, "nowhere"),
            ([home.path("pictures"), "--dimensions", "300"], 64, "256"),
            ([home.path("pictures"), "--float", "--features", home.path("none")], 1, "none.npy"),
            ([home.path("pictures"), "--float", "--features", home.path("text")], 1, "NumPy file"),
            ([home.path("pictures"), "--features", home.path("none")], 64, "--float"),
            ([home.path("pictures"), "--examples", home.path("none")], 1, "no text file"),
            ([home.path("pictures"), "--examples", home.path("text.npy")], 1, "'no numbers'"),
        ] as [([String], Int32, String)] {
            let outcome = try await Outcome(
                of: Program.dctrain.path,
                ["cluster", "--model", model.float, "-o", output] + arguments)
            #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
            #expect(outcome.errors.contains(text), "\(outcome.errors)")
        }
        let integer = try await Outcome(
            of: Program.dctrain.path,
            ["cluster", home.path("pictures"), "--model", model.quantized, "-o", output])
        #expect(integer.isOneSentence && integer.errors.contains("int8"), "\(integer.errors)")
        #expect(!FileManager.default.fileExists(atPath: output))
    }
}
