import Foundation

extension Checkpoint {
    /// The strings of the file's `__metadata__`.
    package var metadata: [String: String] {
        var fields = [
            "format": Self.format,
            "format_version": "\(Self.newestVersion)",
            "network": Self.json(network),
            "input": Self.json(input),
            "precision": precision.rawValue,
            "provenance": Self.json(provenance),
            "license": license,
        ]
        fields["clustering"] = clustering.map { Self.json($0) }
        fields["weight_bits"] = weightBits.map { "\($0)" }
        return fields
    }

    /// A checkpoint without tensors, described by a file's `__metadata__`.
    static func header(
        from fields: [String: String]
    ) throws(CheckpointError.Reason) -> Checkpoint {
        guard fields["format"] == format else { throw .foreign }
        let version = fields["format_version"] ?? "none"
        guard let number = Int(version), (1...newestVersion).contains(number) else {
            throw .unsupportedVersion(found: version, newest: newestVersion)
        }
        guard let precision = fields["precision"].flatMap(Precision.init(rawValue:)) else {
            throw .invalidMetadata(field: "precision", reason: fields["precision"] ?? "missing")
        }
        let checkpoint = Checkpoint(
            network: try decode("network", fields),
            input: try decode("input", fields),
            precision: precision,
            clustering: fields["clustering"] == nil ? nil : try decode("clustering", fields),
            provenance: try decode("provenance", fields),
            license: fields["license"] ?? "unknown",
            weightBits: try weightBits(fields["weight_bits"], precision),
            tensors: [:])
        return checkpoint
    }

    private static func weightBits(
        _ text: String?, _ precision: Precision
    ) throws(CheckpointError.Reason) -> Int? {
        guard precision == .int8 else { return nil }
        guard let bits = text.flatMap({ Int($0) }), bits == 7 || bits == 8 else {
            throw .invalidMetadata(field: "weight_bits", reason: text ?? "missing")
        }
        return bits
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Plain structures of strings and finite numbers always encode.
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }

    private static func decode<Value: Decodable>(
        _ field: String, _ fields: [String: String]
    ) throws(CheckpointError.Reason) -> Value {
        guard let text = fields[field] else {
            throw .invalidMetadata(field: field, reason: "missing")
        }
        func refused(_ path: String, _ reason: String) -> CheckpointError.Reason {
            .invalidMetadata(field: path.isEmpty ? field : "\(field).\(path)", reason: reason)
        }
        do {
            let bytes = Array(text.utf8)
            try JSONCheck.run(bytes)
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch let problem as JSONCheck.Problem {
            throw refused(problem.path, problem.reason)
        } catch let error as DecodingError {
            throw refused(error.path, error.reason)
        } catch {
            throw refused("", "it is not JSON")
        }
    }
}

extension DecodingError {
    /// Where in the text, as in `layers.3.kernel`.
    var path: String {
        context.codingPath.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }
            .joined(separator: ".")
    }

    /// What is wrong there.
    var reason: String {
        switch self {
        case .keyNotFound(let key, _): "it has no '\(key.stringValue)'"
        default: context.debugDescription
        }
    }

    private var context: Context {
        switch self {
        case .keyNotFound(_, let context), .typeMismatch(_, let context),
            .valueNotFound(_, let context), .dataCorrupted(let context):
            context
        @unknown default: Context(codingPath: [], debugDescription: "it is not as expected")
        }
    }
}
