import API
import FoundationEssentials
import Testing

/// As much of a description as the tests look at.
private struct Description: Decodable {
    struct Operation: Decodable {
        var operationId: String
        var parameters: [Parameter]?
    }
    struct Parameter: Decodable {
        var name: String?
        var reference: String?
        enum CodingKeys: String, CodingKey {
            case name
            case reference = "$ref"
        }
    }
    struct Schema: Decodable {
        var properties: [String: Property]?
        var required: [String]?
        var cases: [String]?
        enum CodingKeys: String, CodingKey {
            case properties, required
            case cases = "enum"
        }
    }
    struct Property: Decodable {}
    struct Components: Decodable {
        var schemas: [String: Schema]
    }
    var openapi: String
    var paths: [String: [String: Operation]]
    var components: Components
}

struct OpenAPITests {
    private let description: Description

    init() throws {
        description = try JSONDecoder().decode(
            Description.self, from: Data(OpenAPI.document.utf8))
    }

    @Test func isVersion31() {
        #expect(description.openapi == "3.1.0")
    }

    @Test func hasEveryRouteAndNoOther() {
        let described = description.paths.flatMap { path, operations in
            operations.map { "\($0.key.uppercased()) \(path) \($0.value.operationId)" }
        }
        let routes = Route.allCases.map { "\($0.method) \($0.template) \($0.rawValue)" }
        #expect(described.sorted() == routes.sorted())
    }

    @Test func everyPathParameterIsDeclared() {
        for (path, operations) in description.paths where path.contains("{id}") {
            for operation in operations.values {
                let references = (operation.parameters ?? []).compactMap(\.reference)
                #expect(references.contains("#/components/parameters/id"), "\(path)")
            }
        }
    }

    @Test func everyReferenceHasItsSchema() {
        let references = OpenAPI.document.split(separator: "#/components/schemas/").dropFirst()
            .map { String($0.prefix { $0 != "\"" }) }
        #expect(references.allSatisfy { description.components.schemas[$0] != nil })
    }

    @Test func everySchemaHasTheFieldsOfItsPayload() throws {
        for (name, payload) in Example.all {
            let schema = try #require(description.components.schemas[name], "\(name)")
            let fields = try JSONDecoder().decode(
                [String: Description.Property?].self, from: Data(try Self.objects(payload)))
            #expect(Set(fields.keys) == Set((schema.properties ?? [:]).keys), "\(name)")
            #expect(Set(schema.required ?? []).isSubset(of: fields.keys), "\(name)")
        }
        let objects = description.components.schemas.filter { $0.value.properties != nil }
        #expect(Set(objects.keys) == Set(Example.all.map(\.schema)))
    }

    @Test func everyListOfWordsIsWhole() {
        let schemas = description.components.schemas
        #expect(schemas["ImageState"]?.cases == ImageState.allCases.map(\.rawValue))
        #expect(schemas["EventKind"]?.cases == Event.Kind.allCases.map(\.rawValue))
    }

    /// A payload's JSON.
    private static func objects(_ payload: some Encodable) throws -> [UInt8] {
        try Coding.encode(payload)
    }
}
