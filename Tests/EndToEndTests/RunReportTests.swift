import Foundation
import TestSupport
import Testing

/// What a run shows: its report, its filters, and its figures by labels and by retrieval.
@Suite(.serialized)
struct RunReportTests {
    private let home: TemporaryFolder

    init() throws {
        home = try TemporaryFolder()
        // Of four pictures in a row each shows another kind, which becomes its folder's name.
        for index in 0..<48 {
            try home.write(
                SyntheticPictures.png(index), to: "pictures/kind \(index % 4)/\(index).png")
        }
    }

    private func run(_ arguments: String...) async throws -> Outcome {
        let outcome = try await Outcome(of: Program.dctrain.path, arguments)
        guard outcome.status == 0 else { throw Unexpected("\(arguments): \(outcome.errors)") }
        return outcome
    }

    private func refused(_ arguments: String..., mentioning text: String) async throws {
        let outcome = try await Outcome(of: Program.dctrain.path, arguments)
        let said = Comment(rawValue: "\(arguments): \(outcome.errors)")
        #expect(outcome.isOneSentence && outcome.status == 1, said)
        #expect(outcome.errors.contains(text), said)
    }

    @Test func aRunIsShownAndJudged() async throws {
        let (pictures, folder) = (home.path("pictures"), home.path("run"))
        let model = "\(folder)/model.safetensors"
        _ = try await run(
            "fit", pictures, "--run", folder, "--epochs", "2", "--clusters", "4", "--size", "28",
            "--network", "small", "--recipe", "v2", "--threads", "1")
        let page = "\(folder)/report.html"
        let first = try String(contentsOfFile: page, encoding: .utf8)
        #expect(first.contains("kind 0") && first.contains("id=\"probes\""))

        // Made again it is the same, also when 'fit' finds nothing left to do.
        let told = try await run("report", folder, "--threads", "1", "--json").json()
        #expect(told["report"] as? String == page)
        #expect(told["pictures"] as? Int == 48)
        #expect(try String(contentsOfFile: page, encoding: .utf8) == first)

        let filters = home.path("filters")
        _ = try await run(
            "visualize", model, "-o", filters, "--layers", "conv2", "--filters", "3,5",
            "--iterations", "2")
        let sheet = try Data(contentsOf: URL(filePath: "\(filters)/conv2.png"))
        #expect(sheet.starts(with: [0x89, 0x50, 0x4E, 0x47]))

        let pairs = (0..<8).map { "pictures/kind \($0 % 4)/\($0).png,\($0 % 4)" }
        try home.write(
            Array(("path,instance\n" + pairs.joined(separator: "\n")).utf8), to: "truth.csv")
        let figures = try await run(
            "eval", model, pictures, "--probe", "--probe-epochs", "5", "--retrieval",
            home.path("truth.csv"), "--untrained", "--neighbours", "3", "--json"
        ).json()
        #expect(figures["neighbours"] as? Int == 3)
        let models = try #require(figures["models"] as? [[String: Any]])
        #expect(models.map { $0["weights"] as? String } == ["untrained", "float32"])
        for model in models {
            let probes = try #require(model["probes"] as? [[String: Any]])
            let layers = probes.map { $0["layer"] as? String }
            #expect(layers == ["conv1", "conv2", "conv3", "conv4", "embedding"])
        }
        let retrieval = try #require(figures["retrieval"] as? [String: Any])
        #expect(retrieval["pictures"] as? Int == 8)

        try await refused("visualize", model, "-o", filters, "--layers", "fc7", mentioning: "conv1")
        try await refused(
            "visualize", model, "-o", filters, "--filters", "500", mentioning: "0 to 31")
        try await refused("report", folder, "--images", home.path("none"), mentioning: "none")
        try await refused("eval", model, "--retrieval", model, mentioning: "path,instance")
    }

    @Test func whatIsNoRunIsRefused() async throws {
        try await refused("report", home.path("pictures"), mentioning: "holds no run")
        let outcome = try await Program.dctrain.run("eval", "model.safetensors", "--probe")
        #expect(outcome.status == 64)
    }
}
