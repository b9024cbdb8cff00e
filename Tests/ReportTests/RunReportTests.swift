import Files
import Foundation
import Model
import Pictures
import Report
import Tensors
import TestSupport
import Testing
import Training

/// A real run of two epochs on sixty small pictures, one of which has a name to beware of.
private enum SmallRun {
    static let evil = "<img src=x onerror=alert(1)>\"'&.png"

    static func pictures(seed: UInt64 = 1) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        var random = SeededGenerator(seed: seed)
        let colours: [(String, [Float])] = [
            ("blue & cold", [40, 60, 200]), ("red", [210, 50, 40]), ("green", [40, 180, 60]),
        ]
        for (label, colour) in colours {
            for number in 0..<20 {
                let pixels = (0..<16 * 16 * 3).map { index in
                    UInt8(min(max(colour[index % 3] + 25 * random.normal(), 0), 255))
                }
                let name = number == 3 && label == "red" ? evil : "\(number).png"
                try folder.write(
                    PNGWriter.encode(width: 16, height: 16, pixels: pixels),
                    to: "\(label)/\(name)")
            }
        }
        return folder
    }

    static func fit(_ images: String, run: String) throws {
        var request = FitRequest(images: images, run: run)
        (request.recipe, request.network) = (.v2, .small)
        (request.size, request.clusters, request.epochs) = (16, 4, 2)
        (request.batch, request.threads) = (20, 1)
        try FitSession(request, observer: SilentObserver()).run()
    }
}

private func report(of run: String, images: String? = nil) -> RunReport {
    RunReport(of: run, images: images, threads: 1) { RunFolder.stateFiles(of: run).first }
}

struct RunReportTests {
    private let images: TemporaryFolder
    private let folder: TemporaryFolder
    private var run: String { folder.path("run") }

    init() throws {
        (images, folder) = try (SmallRun.pictures(), TemporaryFolder())
        try SmallRun.fit(images.path, run: folder.path("run"))
    }

    private func html() throws -> String {
        try String(contentsOfFile: RunReport.path(in: run), encoding: .utf8)
    }

    @Test func aFinishedRunIsShownWhole() throws {
        var steps: [RunReport.Step] = []
        let result = try report(of: run, images: images.path).write {
            step, done, _ in
            if done == 0 { steps.append(step) }
        }
        #expect(steps == [.looking, .probing, .writing])
        let text = try html()
        #expect(result.pictures == 60 && result.bytes == text.utf8.count)
        #expect(result.report == "\(run)/report.html")
        for id in [
            "curves", "clusters", "probes", "filters", "strongest", "times", "settings",
        ] {
            #expect(text.contains("<section id=\"\(id)\">"), "\(id)")
        }
        #expect(text.contains("All 60 pictures"))
        #expect(text.contains("<i></i>random weights</span>"))
        // A piece of markup that was put into a string would show its type.
        #expect(!text.contains("Markup("))
        #expect(text.contains("blue &amp; cold"))
        #expect(text.contains("data:image/jpeg;base64,") && text.contains("data:image/png;base64,"))
        #expect(text.utf8.count < 10 << 20)
    }

    @Test func nothingInNamesBecomesMarkupAndNothingIsLoaded() throws {
        _ = try report(of: run, images: images.path).write()
        let text = try html()
        #expect(!text.contains("<img src=x"))
        #expect(text.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;.png"))
        for word in ["<script", "http://", "https://", "@import", "url(", "<link", "<iframe"] {
            #expect(!text.contains(word), "\(word)")
        }
        // Every picture says what it is.
        let pictures = text.components(separatedBy: "<img ").dropFirst()
        #expect(pictures.count > 20)
        #expect(pictures.allSatisfy { $0.contains("alt=\"") && !$0.contains("alt=\"\"") })
    }

    @Test func thePicturesAreRememberedAndTheResultIsTheSame() throws {
        _ = try report(of: run, images: images.path).write()
        let first = try html()
        _ = try report(of: run + "/").write()
        #expect(try html() == first)
    }

    @Test func picturesThatWereMovedAreMissed() throws {
        _ = try report(of: run, images: images.path).write()
        try FileManager.default.moveItem(atPath: images.path, toPath: folder.path("moved"))
        #expect(try report(of: run).write().pictures == 0)
        let text = try html()
        #expect(text.contains("not at") && text.contains("--images FOLDER"))
        #expect(text.contains("<section id=\"curves\">"))
        let found = try report(of: run, images: folder.path("moved")).write()
        #expect(found.pictures == 60)
    }

    @Test(arguments: [(20, 60), (40, 60), (59, 60), (100, 60), (1, 60), (0, 60), (5, 0)])
    func probedPicturesAreSpreadOverAll(most: Int, count: Int) {
        let places = RunReport.spread(most, over: count)
        #expect(places.count == min(most, count))
        #expect(places == Array(Set(places)).sorted() && places.allSatisfy { $0 < count })
        // None of three folders of 20 has more than one picture more than another.
        let folders = (0..<3).map { folder in places.count { $0 / 20 == folder } }
        #expect(folders.max()! - folders.min()! <= 1)
    }

    @Test func withoutPicturesTheLogIsShown() throws {
        let result = try report(of: run).write()
        #expect(result.pictures == 0)
        let text = try html()
        #expect(text.contains("<section id=\"curves\">") && text.contains("id=\"filters\""))
        #expect(!text.contains("id=\"clusters\""))
        #expect(text.contains("--images FOLDER"))
    }

    @Test func aRunUnderWayIsShownAsFarAsItIs() throws {
        try FileManager.default.removeItem(atPath: "\(run)/model.safetensors")
        let result = try report(of: run, images: images.path).write()
        #expect(result.pictures == 0)
        let text = try html()
        #expect(text.contains("not finished"))
        for id in ["curves", "sizes", "filters", "settings"] {
            #expect(text.contains("<section id=\"\(id)\">"), "\(id)")
        }
    }

    @Test func onlySomePicturesAreLookedAt() throws {
        var report = report(of: run, images: images.path)
        report.pictures = 30
        report.probed = 0
        #expect(try report.write().pictures == 30)
        let text = try html()
        #expect(text.contains("30 of 60 pictures, drawn at random"))
        #expect(!text.contains("id=\"probes\""))
    }

    @Test func aStopLeavesTheOldPage() throws {
        try DurableFile.write("old", to: FilePath(RunReport.path(in: run)))
        var report = report(of: run, images: images.path)
        report.shouldStop = { true }
        #expect(throws: Interruption.self) { try report.write() }
        #expect(try html() == "old")
    }

    @Test func aDamagedLogCostsItsLinesAlone() throws {
        let path = "\(run)/metrics.jsonl"
        let log = try String(contentsOfFile: path, encoding: .utf8)
        let lines = [
            "{\"epoch\": 7}", "not json", "{\"loss\": 1}",
            "{\"epoch\": 8, \"loss\": 1.5, \"reassigned\": 0.25, \"unknown\": [1]}",
        ]
        try DurableFile.write(log + lines.joined(separator: "\n"), to: FilePath(path))
        _ = try report(of: run).write()
        let text = try html()
        #expect(text.contains("epoch 9: share reassigned 0.250"))
        #expect(text.contains("4 of 2"))
    }

    @Test func aFolderWithoutRunIsRefused() throws {
        #expect(throws: ReportError.noRun(folder: images.path)) {
            try report(of: images.path).write()
        }
        #expect(throws: (any Error).self) {
            try report(of: run, images: folder.path("none")).write()
        }
    }
}

/// Hears of everything and says nothing.
private final class SilentObserver: FitObserver {
    var shouldStop: Bool { false }
    func begin(_ phase: ProgressPhase, epoch: Int?, total: Int, done: Int) {}
    func advance(to done: Int) {}
    func end(_ phase: ProgressPhase) {}
    func finished(_ epoch: EpochMetrics) {}
    func note(_ message: String) {}
}
