import Evaluation
import Model
import Tensors
import TestSupport
import Testing

struct RetrievalTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func truth(_ text: String) throws -> RetrievalTruth {
        try RetrievalTruth(contentsOf: folder.write(Array(text.utf8), to: "truth.csv"))
    }

    @Test func aTableIsRead() throws {
        let found = try truth(
            "\u{FEFF}path,instance,edit\r\nimages/a.jpg,0,original\r\n\r\n"
                + "\"b, \"\"c\"\".jpg\",0,flip\n/d.jpg,,distractor")
        #expect(found.entries.map(\.name) == ["images/a.jpg", "b, \"c\".jpg", "/d.jpg"])
        #expect(found.entries.map(\.instance) == ["0", "0", nil])
        #expect(found.entries.map(\.edit) == ["original", "flip", "distractor"])
        let paths = found.entries.map { String(decoding: $0.path, as: UTF8.self) }
        #expect(paths == [folder.path("images/a.jpg"), folder.path("b, \"c\".jpg"), "/d.jpg"])
        #expect(try truth("instance,path\n1,a\n1,b\n").entries.map(\.edit) == [nil, nil])
    }

    @Test(arguments: [
        ("", "does not begin with a line that names path and instance"),
        ("file,label\na,1\n", "does not begin with a line that names path and instance"),
        ("path,instance\na,1,2\n", "has 3 fields in row 2, not 2"),
        ("path,instance\na,1\n,1\n", "has no path in row 3"),
        ("path,instance\na,1\nb,2\nc,\n", "has no instance with two pictures"),
    ])
    func whatIsNoTableIsRefused(text: String, reason: String) {
        #expect(throws: EvaluationError.groundTruth(path: folder.path("truth.csv"), reason: reason))
        { try truth(text) }
    }

    @Test func aMissingTableIsRefused() {
        let path = folder.path("none.csv")
        #expect(throws: EvaluationError.groundTruth(path: path, reason: "cannot be read")) {
            try RetrievalTruth(contentsOf: path)
        }
    }

    @Test(arguments: Golden.values.rankings)
    func averagePrecisionIsThatOfScikitLearn(_ golden: Golden.Ranking) {
        let found = RetrievalFigures.averagePrecision(golden.right)
        #expect(abs(found - golden.precision) < 1e-12)
    }

    /// Pictures of one colour each, named in a table.
    private func write(_ rows: [(name: String, colour: [UInt8], rest: String)]) throws -> String {
        var text = "path,instance,edit\n"
        for row in rows {
            let pixels = (0..<16 * 16).flatMap { _ in row.colour }
            try folder.write(
                PNGWriter.encode(width: 16, height: 16, pixels: pixels), to: row.name)
            text += "\(row.name),\(row.rest)\n"
        }
        return try folder.write(Array(text.utf8), to: "truth.csv")
    }

    private func model() throws -> String {
        let path = folder.path("model.safetensors")
        try SmallCheckpoint.make().write(to: path)
        return path
    }

    private func evaluator(_ table: String) throws -> RetrievalEvaluator {
        return try RetrievalEvaluator(
            groundTruth: table, checkpoints: [model()], includesUntrained: true, threads: 1)
    }

    @Test func editsFindTheirOriginals() throws {
        let table = try write([
            ("a.png", [200, 30, 30], "a,original"), ("a1.png", [204, 32, 30], "a,brighter"),
            ("b.png", [30, 200, 30], "b,original"), ("b1.png", [30, 205, 33], "b,brighter"),
            ("c.png", [30, 30, 200], "c,original"), ("c1.png", [200, 32, 32], "c,recoloured"),
            ("d.png", [120, 120, 120], ",distractor"),
        ])
        let report = try evaluator(table).run()
        #expect(report.pictures == 7 && report.skipped.isEmpty)
        #expect(report.models.map(\.weights) == [.untrained, .float32])
        for model in report.models {
            #expect(model.searches.map(\.search) == ["brighter", "recoloured", "original"])
            #expect(model.searches.map(\.queries) == [2, 1, 3])
            #expect(model.searches.map(\.gallery) == [4, 4, 4])
            #expect(model.searches[0].recallAt1 == 1 && model.searches[0].map == 1)
            // The recoloured picture looks like another original.
            #expect(model.searches[1].recallAt1 == 0)
            #expect(model.searches[1].recallAt5 == 1)
            #expect(model.searches[1].map <= 0.5)
            #expect(model.searches[2].recallAt10 == 1)
        }
    }

    @Test func withoutEditsPicturesFindTheOthersOfTheirInstance() throws {
        let table = try write([
            ("a.png", [200, 30, 30], "a,"), ("a1.png", [204, 32, 30], "a,"),
            ("b.png", [30, 200, 30], "b,"), ("b1.png", [30, 205, 33], "b,"),
            ("c.png", [30, 30, 200], "c,"),
        ])
        let search = try #require(try evaluator(table).run().models.first?.searches.first)
        #expect(search.search == "instance")
        // The third instance is alone: it is found by nobody and searches for nothing.
        #expect(search.queries == 4 && search.gallery == 4)
        #expect(search.recallAt1 == 1 && search.map == 1)
    }

    @Test func whatCannotBeReadIsToldAndLeftOut() throws {
        let pictures: [(name: String, colour: [UInt8], rest: String)] = [
            ("a.png", [200, 30, 30], "a,original"), ("a1.png", [204, 32, 30], "a,flip"),
            ("d.png", [30, 30, 200], ",distractor"),
        ]
        let table = try write(pictures)
        try folder.write(Array("none".utf8), to: "a1.png")
        #expect(
            throws: EvaluationError.groundTruth(
                path: table, reason: "has no two readable pictures of one instance")
        ) { try evaluator(table).run() }
        let more = try write(pictures + [("a2.png", [202, 30, 33], "a,copy")])
        try folder.write(Array("none".utf8), to: "a1.png")
        let report = try evaluator(more).run()
        #expect(report.skipped.map(\.path) == ["a1.png"])
        #expect(report.models[0].searches.map(\.search) == ["copy", "original"])
    }
}
