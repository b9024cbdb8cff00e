import Foundation
import Model
import Pictures

/// What a run folder tells of its run, finished or not.
///
/// Nothing is locked and nothing is required of a line but its epoch: the report can be made
/// while the run goes on, and of runs that older and newer programs made.
struct RunRecord {
    /// The run folder.
    let folder: String
    /// The settings by name, as `config.json` has them.
    let settings: [(name: String, value: String)]
    /// The epochs that are done.
    let epochs: [Epoch]
    /// The number of files that could not be read.
    let skipped: Int
    private let newestState: () -> String?

    /// A line of `metrics.jsonl`.
    struct Epoch: Decodable {
        /// From 0.
        let epoch: Int
        let loss, objective, learningRate, nmiPrevious, reassigned: Double?
        let clusters: Sizes?
        let labels: Agreement?
        let phases: [Phase]?
    }

    /// The cluster sizes of an epoch.
    struct Sizes: Decodable {
        let minimum, median, maximum, empty: Int?
    }

    /// The agreement of an epoch's clusters with labels.
    struct Agreement: Decodable {
        let nmi, ami, ari: Double?
    }

    /// The time that a phase took.
    struct Phase: Decodable {
        let phase: String
        let seconds, picturesPerSecond: Double?
    }

    /// Reads a run folder.
    ///
    /// - Parameters:
    ///   - folder: The run folder.
    ///   - newestState: The file with the newest saved state, where there is one.
    /// - Throws: `ReportError.noRun` where there is no `config.json`.
    init(
        folder: String, newestState: @escaping () -> String?
    ) throws(ReportError) {
        self.newestState = newestState
        let path = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        self.folder = path
        let decoder = JSONDecoder()
        guard let config = FileManager.default.contents(atPath: "\(path)/config.json"),
            let values = try? decoder.decode([String: JSONValue].self, from: config)
        else { throw .noRun(folder: folder) }
        settings = values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.text) }
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let log = FileManager.default.contents(atPath: "\(path)/metrics.jsonl") ?? Data()
        epochs = log.split(separator: 10).compactMap { try? decoder.decode(Epoch.self, from: $0) }
        skipped = SkippedFile.pathFields(inTableAt: "\(path)/skipped.tsv")?.count ?? 0
    }

    /// A setting's value.
    func setting(_ name: String) -> String? { settings.first { $0.name == name }?.value }

    /// The finished model, or `nil` while the run is under way.
    func model() throws -> Checkpoint? {
        let path = "\(folder)/model.safetensors"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try Checkpoint(contentsOf: path, needed: .float32)
    }

    /// Tensors of the newest state of a run under way, those whose names are wanted.
    func newestState(_ isWanted: (String) -> Bool) -> [String: WeightTensor] {
        // A run under way may replace the file at any moment: then there is nothing to tell.
        guard let newest = newestState(),
            let file = try? SafetensorsReader.open(newest)
        else { return [:] }
        var tensors: [String: WeightTensor] = [:]
        for name in file.entries.keys where isWanted(name) {
            tensors[name] = try? file.tensor(name)
        }
        return tensors
    }
}

/// A value of a settings file, whatever it is.
private enum JSONValue: Decodable {
    case flag(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([JSONValue])
    case object([String: JSONValue])
    case none

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .none
        } else if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
        } else if let integer = try? value.decode(Int.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let list = try? value.decode([JSONValue].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    var text: String {
        switch self {
        case .flag(let flag): flag ? "yes" : "no"
        case .integer(let integer): "\(integer)"
        case .number(let number): Self.text(number)
        case .string(let string): string
        case .list(let list): list.map(\.text).joined(separator: ", ")
        case .object(let object):
            object.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }
                .joined(separator: ", ")
        case .none: "none"
        }
    }

    /// Seven digits, as many as a Float has.
    private static func text(_ number: Double) -> String { String(format: "%.7g", number) }
}
