import FoundationEssentials
import Yams

/// The YAML of a configuration file, with every key known and every value of its type.
///
/// swift-configuration reads YAML too, but knows neither a list of maps, which `watch` is, nor
/// whether a file has keys that nobody asks for; so the file is read here, once, and its single
/// values are handed to a `ConfigReader` beside the environment.
struct ConfigurationFile {
    /// The single values, as they are written.
    private(set) var values: [String: String] = [:]
    /// The watched folders.
    private(set) var watch: [DaemonConfiguration.WatchedFolder] = []

    private static let scalarKeys = ["model", "index", "socket", "threads"]
    private static let folderKeys = ["path", "exclude"]

    private let file: String

    init(contentsOf file: String) throws(DaemonError) {
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            throw .unreadableConfiguration(file: file, reason: Self.reason(error, file))
        }
        try self.init(file: file, text: text)
    }

    init(file: String, text: String) throws(DaemonError) {
        self.file = file
        let root: Node?
        do {
            root = try Parser(yaml: text).singleRoot()
        } catch {
            throw .invalidYAML(file: file, reason: Self.firstLine("\(error)"))
        }
        guard let root else { return }
        for (key, value) in try mapping(root, key: "the whole file") {
            if Self.scalarKeys.contains(key) {
                values[key] = try scalar(value, key: key)
            } else {
                watch = try folders(value)
            }
        }
    }

    // MARK: - Nodes

    private func folders(_ node: Node) throws(DaemonError) -> [DaemonConfiguration.WatchedFolder] {
        guard let sequence = node.sequence else {
            throw invalid("watch", node, expected: "a list of maps with 'path' and 'exclude'")
        }
        var folders: [DaemonConfiguration.WatchedFolder] = []
        for item in sequence {
            folders.append(try folder(item))
        }
        return folders
    }

    private func folder(_ node: Node) throws(DaemonError) -> DaemonConfiguration.WatchedFolder {
        var folder = DaemonConfiguration.WatchedFolder(path: "")
        for (key, value) in try mapping(node, key: "watch", known: Self.folderKeys) {
            if key == "path" {
                folder.path = try scalar(value, key: "watch.path")
            } else {
                folder.exclude = try names(value)
            }
        }
        guard !folder.path.isEmpty else {
            throw invalid("watch", node, expected: "a 'path' for every folder")
        }
        return folder
    }

    private func names(_ node: Node) throws(DaemonError) -> [String] {
        guard let sequence = node.sequence else {
            throw invalid("watch.exclude", node, expected: "a list of names")
        }
        var names: [String] = []
        for item in sequence {
            names.append(try scalar(item, key: "watch.exclude"))
        }
        return names
    }

    private func mapping(
        _ node: Node, key: String, known: [String] = scalarKeys + ["watch"]
    ) throws(DaemonError) -> [(String, Node)] {
        guard let mapping = node.mapping else {
            throw invalid(key, node, expected: "a map with \(known.joined(separator: ", "))")
        }
        var pairs: [(String, Node)] = []
        for (name, value) in mapping {
            let text = name.scalar?.string ?? "\(name)"
            guard known.contains(text) else {
                throw .unknownKey(file: file, line: name.mark?.line, key: text, known: known)
            }
            pairs.append((text, value))
        }
        return pairs
    }

    private func scalar(_ node: Node, key: String) throws(DaemonError) -> String {
        guard let scalar = node.scalar, !scalar.string.isEmpty else {
            throw invalid(key, node, expected: "one value")
        }
        return scalar.string
    }

    // MARK: - Errors

    private func invalid(_ key: String, _ node: Node, expected: String) -> DaemonError {
        let found =
            if let scalar = node.scalar {
                scalar.string
            } else {
                node.mapping == nil ? "a list" : "a map"
            }
        let place = node.mark.map { "\(file):\($0.line)" } ?? file
        return .invalidSetting(source: place, key: key, found: found, expected: expected)
    }

    private static func firstLine(_ text: String) -> String {
        text.split(separator: "\n").prefix(1).joined()
    }

    private static func reason(_ error: any Error, _ file: String) -> String {
        switch (error as? CocoaError)?.code {
        case .fileReadNoSuchFile: "there is no such file"
        case .fileReadNoPermission: "permission denied"
        case .fileReadInapplicableStringEncoding: "it is not UTF-8 text"
        default: "it is no file of text"
        }
    }
}
