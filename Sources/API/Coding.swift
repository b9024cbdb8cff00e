import FoundationEssentials

/// How every payload becomes JSON and comes back: snake_case fields, sorted, slashes as they are.
public enum Coding {
    /// The JSON of a payload, without a newline at its end.
    ///
    /// - Throws: `EncodingError` where a number is not finite.
    public static func encode(_ payload: some Encodable, pretty: Bool = false) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return Array(try encoder.encode(payload))
    }

    /// The payload in some JSON.
    ///
    /// - Throws: `DecodingError` where the bytes are no JSON or a field is missing or of another
    ///   type. Unknown fields are passed over, so that an old client reads a newer daemon.
    public static func decode<Payload: Decodable>(
        _ payload: Payload.Type, from bytes: [UInt8]
    ) throws -> Payload {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(payload, from: Data(bytes))
    }
}
