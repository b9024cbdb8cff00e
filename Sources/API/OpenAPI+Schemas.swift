extension OpenAPI {
    /// The payloads, named like their types.
    static let schemas = """
        {
          "Path": { "type": "string", "description": "For display: invalid UTF-8 is U+FFFD." },
          "ExactPath": { "type": "string", "contentEncoding": "base64",
            "description": "The exact bytes, only where they are not UTF-8." },
          "Id": { "type": "integer", "format": "int64" },
          "Time": { "type": "string", "format": "date-time" },
          "ImageState": { "type": "string", "enum": ["pending", "indexed", "failed"] },
          "Image": \(object([
            "id": "Id", "path": "Path", "path_base64": "ExactPath", "state": "ImageState",
            "error": "string", "offline": "boolean", "width": "integer", "height": "integer",
            "size": "integer", "modified": "Time", "first_seen": "Time", "indexed_at": "Time",
            "sha256": "string", "assignment": "Assignment",
          ], required: ["id", "path", "state", "offline", "size", "modified", "first_seen"])),
          "Assignment": \(object([
            "cluster": "Id", "name": "string", "distance": "number", "second": "Id",
            "margin": "number",
          ], required: ["cluster", "distance"])),
          "Neighbour": \(object([
            "rank": "integer", "id": "Id", "path": "Path", "path_base64": "ExactPath",
            "similarity": "number", "cluster": "Id",
          ], required: ["rank", "id", "path", "similarity"])),
          "NeighbourList": \(object([
            "image": "Id", "items": "[Neighbour]",
          ], required: ["image", "items"])),
          "PathQuery": \(object([
            "path": "Path", "path_base64": "ExactPath",
          ], required: [])),
          "QueryAnswer": \(object([
            "model": "string", "width": "integer", "height": "integer",
            "assignment": "Assignment", "neighbours": "[Neighbour]",
          ], required: ["model", "width", "height", "assignment", "neighbours"])),
          "ImagePage": \(object([
            "items": "[Image]", "next_cursor": "string",
          ], required: ["items"])),
          "Cluster": \(object([
            "id": "Id", "name": "string", "size": "integer",
          ], required: ["id", "size"])),
          "ClusterUpdate": \(object(["name": "string"], required: ["name"])),
          "ClusterPage": \(object([
            "items": "[Cluster]", "next_cursor": "string",
          ], required: ["items"])),
          "EventKind": { "type": "string", "enum":
            [\(Event.Kind.allCases.map { #""\#($0.rawValue)""# }.joined(separator: ", "))] },
          "Event": \(object([
            "sequence": "Id", "time": "Time", "kind": "EventKind", "image": "Id",
            "path": "Path", "path_base64": "ExactPath", "detail": "string",
          ], required: ["sequence", "time", "kind"])),
          "Status": \(object([
            "version": "string", "pid": "integer", "started": "Time", "ready": "boolean",
            "activity": "string", "model": "string", "index": "string",
            "images": "ImageCounts", "clusters": "integer", "roots": "[Root]",
            "progress": "Progress",
          ], required: [
            "version", "pid", "started", "ready", "activity", "model", "index", "images",
            "clusters", "roots", "progress",
          ])),
          "ImageCounts": \(object([
            "indexed": "integer", "pending": "integer", "failed": "integer",
            "offline": "integer",
          ], required: ["indexed", "pending", "failed", "offline"])),
          "Root": \(object([
            "path": "Path", "path_base64": "ExactPath", "online": "boolean",
          ], required: ["path", "online"])),
          "Progress": \(object([
            "done": "integer", "pending": "integer", "pictures_per_second": "number",
            "seconds_left": "number", "last_reconciled": "Time", "overflows": "integer",
          ], required: ["done", "pending", "overflows"])),
          "Health": \(object(["status": "string"], required: ["status"])),
          "RescanAnswer": \(object([
            "accepted": "boolean", "sequence": "Id",
          ], required: ["accepted", "sequence"])),
          "ModelInfo": \(object([
            "sha256": "string", "path": "string", "precision": "string",
            "dimension": "integer", "clusters": "integer", "input_width": "integer",
            "input_height": "integer", "rule": "string", "recipe": "string",
            "seed": "integer", "epochs": "integer", "trained_on": "integer",
            "license": "string", "weight_bits": "integer",
          ], required: [
            "sha256", "path", "precision", "dimension", "clusters", "input_width",
            "input_height", "rule", "recipe", "seed", "epochs", "trained_on", "license",
          ])),
          "ProblemCode": { "type": "string", "enum":
            [\(Problem.Code.allCases.map { #""\#($0.rawValue)""# }.joined(separator: ", "))] },
          "Problem": \(object([
            "type": "string", "title": "string", "status": "integer", "detail": "string",
            "code": "ProblemCode", "hint": "string",
          ], required: ["type", "title", "status", "detail", "code"]))
        }
        """

    /// An object schema.
    ///
    /// A type is JSON's own in lower case, another schema by its name, or a list of one in
    /// brackets.
    private static func object(
        _ properties: KeyValuePairs<String, String>, required: [String]
    ) -> String {
        let fields = properties.map { name, type in #""\#(name)": \#(schema(type))"# }
        let names = required.map { #""\#($0)""# }
        return #"{ "type": "object", "properties": { \#(fields.joined(separator: ", ")) }, "#
            + #""required": [\#(names.joined(separator: ", "))] }"#
    }

    private static func schema(_ type: String) -> String {
        if type.hasPrefix("[") {
            #"{ "type": "array", "items": \#(schema(String(type.dropFirst().dropLast()))) }"#
        } else if type.first?.isLowercase == true {
            #"{ "type": "\#(type)" }"#
        } else {
            ##"{ "$ref": "#/components/schemas/\##(type)" }"##
        }
    }
}
