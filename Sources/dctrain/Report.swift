import ArgumentParser
import Foundation
import Pictures
import Report
import Training

/// `dctrain report RUN`: the page that shows a run.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write a run's report.html: curves, clusters, filters.",
        discussion: """
            'fit' writes it at its end; this makes it anew at any time, also while the run goes \
            on. The page needs no network and no other program. It looks at --pictures of the \
            run's pictures, drawn at random where there are more, which are those of 'fit' unless \
            --images gives others.

            Where all pictures have labels, quick linear probes compare the layers before and \
            after training. The output of 'dctrain eval --probe --json', kept as eval.json in the \
            run folder, is shown in their place.
            """)

    @Argument(
        help: ArgumentHelp("The run folder.", valueName: "run"), completion: .directory)
    var folder: String

    @Option(help: "A folder of pictures, or a text file with one path a line.")
    var images: String?

    @Option(help: "Look at no more pictures than this.")
    var pictures = 5000

    @Option(help: "Probe layers on no more pictures than this; 0 leaves probes out.")
    var probed = 1200

    @Option(help: "The number of threads; all processors by default.")
    var threads = ProcessInfo.processInfo.activeProcessorCount

    @Flag(help: "Print what was written as JSON.")
    var json = false

    func validate() throws {
        guard threads > 0, pictures > 0, probed >= 0 else {
            throw ValidationError(
                "--threads and --pictures must be at least 1, --probed at least 0")
        }
    }

    func run() throws {
        let progress = TerminalProgress()
        StopSignal.watch()
        var report = RunReport(of: folder, images: images, threads: threads) {
            RunFolder.stateFiles(of: folder).first
        }
        report.pictures = pictures
        report.probed = probed
        do {
            let result = try report.write(with: progress)
            print(json ? try result.json() : result.line)
        } catch is Interruption {
            progress.line("stopped; nothing was written")
            throw ExitCode(130)
        }
    }
}

extension RunReport {
    /// Writes the page, which can be interrupted, and shows how far it is.
    func write(with progress: TerminalProgress) throws -> Result {
        var report = self
        report.shouldStop = { StopSignal.isRequested }
        defer { progress.end() }
        return try report.write { step, done, total in
            if done == 0 {
                let (title, unit) = step.title
                progress.begin(title, total: total, unit: unit)
            }
            progress.advance(to: done)
            if done == total { progress.end() }
        }
    }

    /// The page of a run that has just ended, unless a finished run already has one.
    ///
    /// A report that fails costs no model: the reason is told, and how to make it again.
    ///
    /// - Parameters:
    ///   - run: The run folder.
    ///   - images: The run's pictures.
    ///   - threads: The number of threads.
    ///   - isNew: Whether the run ended just now.
    ///   - progress: Where the user is told.
    /// - Throws: `Interruption` where the user stopped it.
    static func conclude(
        run: String, images: String, threads: Int, isNew: Bool, progress: TerminalProgress
    ) throws {
        let path = RunReport.path(in: run)
        if !isNew, FileManager.default.fileExists(atPath: path) { return }
        do {
            let result = try RunReport(
                of: run, images: images, threads: threads, newestState: { nil }
            )
            .write(with: progress)
            progress.line("report  \(result.report)")
        } catch let interruption as Interruption {
            throw interruption
        } catch {
            progress.line("no report: \(error); 'dctrain report \(run)' makes it again")
        }
    }
}

extension RunReport.Result {
    fileprivate var line: String {
        "\(report)  \((bytes / 1024).grouped) KiB, \(pictures.grouped) pictures looked at"
    }
}

extension RunReport.Step {
    fileprivate var title: (title: String, unit: String) {
        switch self {
        case .looking: ("looking at pictures", "pictures")
        case .probing: ("probing layers", "layers")
        case .writing: ("writing the report", "sections")
        }
    }
}
