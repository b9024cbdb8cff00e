import Evaluation
import Foundation

/// What a finished model makes of pictures.
struct ReportFindings {
    /// Linear probes of networks side by side.
    struct Probes {
        let models: [(name: String, figures: [LayerFigures])]
        let caption: String

        init(models: [(name: String, figures: [LayerFigures])], caption: String) {
            (self.models, self.caption) = (models, caption)
        }

        /// The probes in a run folder's `eval.json`, which is what `dctrain eval --json` prints.
        init?(evaluationIn folder: String) {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            guard let bytes = FileManager.default.contents(atPath: "\(folder)/eval.json"),
                let report = try? decoder.decode(EvaluationReport.self, from: bytes),
                let probed = report.probed
            else { return nil }
            models = report.models.compactMap { model in
                model.probes.map { (model.weights.name, $0) }
            }
            caption =
                "From eval.json: learnt on \(probed.train.grouped) pictures of "
                + "'\(report.train?.place ?? report.test.place)' and judged by "
                + "\(probed.test.grouped) of '\(report.test.place)', \(probed.epochs) epochs."
        }
    }

    /// The pass over the pictures.
    let survey: PictureSurvey
    /// The number of clusters that the model has.
    let clusters: Int
    /// The probes, where there are labels.
    let probes: Probes?
}

extension ModelFigures.Weights {
    fileprivate var name: String {
        switch self {
        case .untrained: "random weights"
        case .float32: "trained"
        case .int8: "trained, int8"
        }
    }
}
