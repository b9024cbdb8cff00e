import Foundation

extension Checkpoint {
    /// The strings of the file's `__metadata__`.
    var metadata: [String: String] {
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
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch let error as DecodingError {
            throw .invalidMetadata(field: field, reason: Self.reason(error))
        } catch {
            throw .invalidMetadata(field: field, reason: "not JSON")
        }
    }

    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "it has no '\(key.stringValue)'"
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .dataCorrupted(let context):
            context.debugDescription
        @unknown default: "not as expected"
        }
    }
}
