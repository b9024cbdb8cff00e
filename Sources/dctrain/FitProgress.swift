import Pictures
import Training

/// Tells on standard error how a run goes.
final class FitProgress: FitObserver {
    private let display: TerminalProgress
    private var settings: FitSettings?

    init(_ display: TerminalProgress) {
        self.display = display
        StopSignal.watch()
    }

    var shouldStop: Bool { StopSignal.isRequested }

    func begin(_ phase: ProgressPhase, epoch: Int?, total: Int, done: Int) {
        let place = epoch.map { "epoch \($0 + 1)\(settings.map { " of \($0.epochs)" } ?? ""): " }
        display.begin((place ?? "") + phase.title, total: total, done: done, unit: phase.unit)
    }

    func advance(to done: Int) { display.advance(to: done) }
    func end(_ phase: ProgressPhase) { display.end() }
    func note(_ message: String) { display.line(message) }

    func finished(_ epoch: EpochMetrics) {
        let of = settings.map { " of \($0.epochs)" } ?? ""
        var text = "epoch \(epoch.epoch + 1)\(of): loss \(epoch.loss.rounded(to: 3))"
        if let nmi = epoch.nmiPrevious { text += ", NMI with the last \(nmi.rounded(to: 3))" }
        if let share = epoch.reassigned {
            text += ", \((100 * share).rounded(to: 1)) % reassigned"
        }
        text += ", clusters of \(epoch.clusters.minimum) to \(epoch.clusters.maximum) pictures"
        if epoch.clusters.empty > 0 { text += ", \(epoch.clusters.empty) empty" }
        if let labels = epoch.labels { text += ", AMI with folders \(labels.ami.rounded(to: 3))" }
        display.line(text)
    }

    /// Prints the plan.
    func show(_ plan: FitPlan, run: String) {
        let settings = plan.settings
        self.settings = settings
        if plan.isFinished {
            note("the run in '\(run)' is finished: \(settings.epochs) epochs")
            return
        }
        let sobel = settings.sobel ? " on edges (Sobel)" : ""
        let skipped =
            plan.skipped == 0
            ? "" : ", \(plan.skipped) files skipped (see \(run)/skipped.tsv)"
        note("plan")
        note("  pictures  \(settings.pictures)\(skipped)")
        note("  network   \(network(settings)) at \(settings.size) pixels\(sobel)")
        note("  recipe    \(plan.recipeReason)")
        note("  clusters  \(settings.clusters)\(prototypes(settings))")
        if let crops = settings.smallCrops { note("  crops     2, and \(crops)") }
        note("  epochs    \(settings.epochs), batches of \(settings.batch)\(minutes(plan))")
        note("  memory    about \(plan.memory >> 20) MiB, \(plan.cached) pictures kept decoded")
        if let some = settings.projectionPictures {
            note("  PCA       fitted on \(some) pictures, as many features as --memory allows")
        }
        note("  threads   \(settings.threads), seed \(settings.seed)")
    }

    private func network(_ settings: FitSettings) -> String {
        settings.network?.rawValue ?? settings.initial.map { "of '\($0.name)'" } ?? ""
    }

    private func prototypes(_ settings: FitSettings) -> String {
        guard settings.recipe == .v2 else {
            return settings.clustering == .pic ? ", those of an epoch by PIC" : ""
        }
        return ", prototypes " + settings.prototypes.map { "\($0)" }.joined(separator: "+")
    }

    private func minutes(_ plan: FitPlan) -> String {
        guard let minutes = plan.expectedMinutes, let epoch = plan.secondsPerEpoch else {
            return ""
        }
        return ", about \(minutes.rounded(to: 1)) minutes, \(epoch.rounded(to: 1)) s an epoch"
    }
}

extension Double {
    /// The number with so many decimal places.
    func rounded(to places: Int) -> Double {
        let scale = (0..<places).reduce(1.0) { factor, _ in factor * 10 }
        return (self * scale).rounded() / scale
    }
}

extension ProgressPhase {
    /// What is done, in a word or a few.
    var title: String {
        switch self {
        case .reading: "reading pictures"
        case .measuring: "measuring speed"
        case .sampling: "reading a sample"
        case .calibrating: "calibrating"
        case .rounding: "rounding weights"
        case .correcting: "correcting biases"
        case .comparing: "comparing float and int8"
        case .features: "features"
        case .filling: "first embeddings"
        case .clustering: "clustering"
        case .training: "training"
        case .shipping: "final features"
        }
    }

    /// What is counted.
    var unit: String {
        switch self {
        case .training, .filling: "crops"
        case .clustering: "sets"
        case .rounding, .correcting: "layers"
        default: "pictures"
        }
    }
}
