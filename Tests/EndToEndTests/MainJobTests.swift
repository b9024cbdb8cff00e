import Foundation
import TestSupport
import Testing

/// The main job, end to end: train, quantize, watch, query, and what a kill must not spoil.
@Suite(.serialized)
struct MainJobTests {
    @Test func modelIsDescribed() async throws {
        let model = try await TrainedModel.shared()
        let float = try await Program.dctrain.run("info", model.float, "--json").json()
        let quantized = try await Program.dctrain.run("info", model.quantized, "--json").json()
        #expect(float["precision"] as? String == "float32")
        #expect(quantized["precision"] as? String == "int8")
        for description in [float, quantized] {
            let clustering = description["clustering"] as? [String: Any]
            #expect(clustering?["clusters"] as? Int == 4)
        }
        #expect(float["plan"] == nil)
        let plan = quantized["plan"] as? [String: Any]
        #expect((plan?["peak_memory"] as? Int ?? 0) > 10_000)
        let text = try await Program.dctrain.run("info", model.quantized)
        #expect(text.status == 0)
        #expect(text.output.contains("conv1") && !text.output.contains("norm1"))
        #expect(model.meanCosine > 0.99)
    }

    @Test func watchesAndAnswers() async throws {
        let model = try await TrainedModel.shared()
        let home = try TemporaryFolder()
        let pictures = home.path("pictures")
        try SyntheticPictures.write(200..<240, to: pictures)
        let daemon = try await RunningDaemon(
            home: home.path, watching: [pictures], model: model.quantized)
        try await daemon.waitUntilIndexed(40)
        // What comes later is found too, and what is no picture is left alone.
        try SyntheticPictures.write(240..<260, to: pictures)
        try home.write(Array("no picture".utf8), to: "pictures/notes.txt")
        let waited = try await Program.dcctl.run(
            "--socket", daemon.socket, "status", "--wait", "--json")
        #expect(waited.status == 0, "\(waited.errors)")
        let images = try waited.json()["images"] as? [String: Int]
        #expect(images?["indexed"] == 60 && images?["pending"] == 0)
        try await daemon.waitUntilIndexed(60)
        try FileManager.default.removeItem(atPath: "\(pictures)/notes.txt")
        let comparison = try await IndexComparison(daemon.index)
        try await comparison.expectFiles(below: pictures)
        await comparison.expectExactNeighbours()
        comparison.expectNearestClusters()

        // A copy of an indexed picture has that picture as its nearest neighbour.
        let copy = try home.write(SyntheticPictures.png(222), to: "copy.bin")
        let query = try await Program.dcctl.run("--socket", daemon.socket, "query", "--json", copy)
        #expect(query.status == 0, "\(query.errors)")
        let answer = try query.json()["answer"] as? [String: Any]
        let first = (answer?["neighbours"] as? [[String: Any]])?.first
        #expect((first?["path"] as? String)?.hasSuffix("/picture-222.png") == true)
        #expect(first?["similarity"] as? Double ?? 0 > 0.9999)
        let count = try await IndexContents.rows(
            "SELECT count(*) AS n FROM images", in: daemon.index)
        #expect(count.first?["n"] as? Int == 60, "a query stores nothing")
        for arguments in [
            ["clusters"], ["status"], ["neighbours", "\(pictures)/20/picture-200.png"],
        ] {
            let shown = try await Outcome(
                of: Program.dcctl.path, ["--socket", daemon.socket] + arguments)
            #expect(shown.status == 0 && !shown.output.isEmpty, "\(arguments): \(shown.errors)")
        }

        let end = await daemon.end(by: SIGTERM)
        #expect(end.status == 0, "\(daemon.said)")
        #expect(end.duration < .seconds(5))
        let after = try await IndexComparison(daemon.index)
        try await after.expectFiles(below: pictures)
    }

    @Test func survivesAKillInTheMiddle() async throws {
        let model = try await TrainedModel.shared()
        let home = try TemporaryFolder()
        let pictures = home.path("pictures")
        let total = 1500
        let paths = try SyntheticPictures.write(1000..<1000 + total, to: pictures)
        let first = try await RunningDaemon(
            home: home.path, watching: [pictures], model: model.quantized)
        try await first.waitUntil("some pictures are indexed") {
            try await first.count("indexed") >= 20
        }
        let workers = first.workers
        #expect(!workers.isEmpty)
        await first.end(by: SIGKILL)
        let check = try await IndexContents.rows("PRAGMA integrity_check", in: first.index)
        #expect(check.first?["integrity_check"] as? String == "ok")
        let kept = try await IndexContents(of: first.index).pictures.count
        #expect(kept >= 20, "what was answered is lost")
        #expect(kept < total, "the kill came too late to prove anything")
        // Workers end when their control socket closes.
        try await waitUntilGone(workers)

        // The folder goes on living while nobody watches.
        let files = FileManager.default
        for path in paths[..<10] { try files.removeItem(atPath: path) }
        for path in paths[10..<20] { try files.moveItem(atPath: path, toPath: path + ".moved.png") }
        for (offset, path) in paths[20..<30].enumerated() {
            try Data(SyntheticPictures.png(9000 + offset)).write(to: URL(filePath: path))
        }
        try SyntheticPictures.write(5000..<5010, to: pictures)

        // The socket that the dead daemon left is replaced.
        #expect(files.fileExists(atPath: first.socket))
        let second = try await RunningDaemon(
            home: home.path, watching: [pictures], model: model.quantized)
        try await second.waitUntilIndexed(total)
        let comparison = try await IndexComparison(second.index)
        try await comparison.expectFiles(below: pictures)
        await comparison.expectExactNeighbours()
        comparison.expectNearestClusters()
        #expect(await second.end(by: SIGTERM).status == 0)
    }

    private func waitUntilGone(_ processes: [Int32]) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while processes.contains(where: { kill($0, 0) == 0 }) {
            guard ContinuousClock.now < end else {
                throw Unexpected("decode workers go on without their daemon")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
