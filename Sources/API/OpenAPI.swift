/// The OpenAPI 3.1 description of the API, as `GET /openapi.json` gives it.
///
/// It is text, so that a reader of the source sees what a client sees; tests compare it with
/// `Route` and with the payloads.
public enum OpenAPI {
    /// The whole document.
    public static let document = """
        {
          "openapi": "3.1.0",
          "info": {
            "title": "dcd",
            "version": "1.0",
            "summary": "Clusters the pictures in watched folders.",
            "description": "HTTP/1.1 over a Unix stream socket: curl --unix-socket \
        /run/dcd/dcd.sock http://dcd/v1/status. Fields are snake_case, times RFC 3339 in UTC, \
        ids integers. A path that is not UTF-8 has its exact bytes in a field that ends in \
        _base64. Lists page by an opaque cursor. Every error is an RFC 9457 problem."
          },
          "servers": [{ "url": "http://dcd" }],
          "paths": \(paths),
          "components": {
            "parameters": \(parameters),
            "responses": \(responses),
            "schemas": \(schemas)
          }
        }
        """

    private static let parameters = """
        {
          "id": { "name": "id", "in": "path", "required": true,
            "schema": { "type": "integer", "format": "int64" } },
          "limit": { "name": "limit", "in": "query", "description": "Items in a page.",
            "schema": { "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 } },
          "cursor": { "name": "cursor", "in": "query",
            "description": "The next_cursor of the page before.", "schema": { "type": "string" } }
        }
        """

    private static let responses = """
        {
          "Problem": { "description": "What is wrong, and what to do about it.",
            "content": { "application/problem+json": {
              "schema": { "$ref": "#/components/schemas/Problem" } } } }
        }
        """

    private static let paths = """
        {
          "/v1/query": { "post": {
            "operationId": "query",
            "summary": "The cluster and the neighbours of a picture, which is not kept.",
            "parameters": [{ "name": "limit", "in": "query", "description": "Neighbours wanted.",
              "schema": { "type": "integer", "minimum": 1, "maximum": 1000, "default": 10 } }],
            "requestBody": { "required": true, "content": {
              "image/*": { "schema": { "type": "string", "format": "binary" } },
              "application/octet-stream": { "schema": { "type": "string", "format": "binary" } },
              "application/json": { "schema": { "$ref": "#/components/schemas/PathQuery" } } } },
            "responses": { "200": \(json("QueryAnswer")), \(problem) } } },
          "/v1/images": { "get": {
            "operationId": "images",
            "summary": "The pictures of the index by id, or the one at a path.",
            "parameters": [
              { "name": "path", "in": "query", "description": "An absolute path, percent-encoded.",
                "schema": { "type": "string" } },
              { "name": "state", "in": "query",
                "schema": { "$ref": "#/components/schemas/ImageState" } },
              \(paging)],
            "responses": { "200": \(json("ImagePage")), \(problem) } } },
          "/v1/images/{id}": { "get": {
            "operationId": "image", "summary": "A picture.", "parameters": [\(id)],
            "responses": { "200": \(json("Image")), \(problem) } } },
          "/v1/images/{id}/neighbours": { "get": {
            "operationId": "imageNeighbours",
            "summary": "The 20 nearest pictures of a picture, nearest first.",
            "parameters": [\(id)],
            "responses": { "200": \(json("NeighbourList")), \(problem) } } },
          "/v1/clusters": { "get": {
            "operationId": "clusters", "summary": "The clusters by id.",
            "parameters": [\(paging)],
            "responses": { "200": \(json("ClusterPage")), \(problem) } } },
          "/v1/clusters/{id}": {
            "get": {
              "operationId": "cluster", "summary": "A cluster.", "parameters": [\(id)],
              "responses": { "200": \(json("Cluster")), \(problem) } },
            "patch": {
              "operationId": "renameCluster", "summary": "Names a cluster.",
              "parameters": [\(id)],
              "requestBody": { "required": true, "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/ClusterUpdate" } } } },
              "responses": { "200": \(json("Cluster")), \(problem) } } },
          "/v1/clusters/{id}/images": { "get": {
            "operationId": "clusterImages", "summary": "The pictures of a cluster by id.",
            "parameters": [\(id), \(paging)],
            "responses": { "200": \(json("ImagePage")), \(problem) } } },
          "/v1/events": { "get": {
            "operationId": "events",
            "summary": "What changed, one JSON object a line, oldest first.",
            "parameters": [
              { "name": "after", "in": "query",
                "description": "The sequence number of the last event known; 0 for all that are kept.",
                "schema": { "type": "integer", "format": "int64", "default": 0 } },
              { "name": "follow", "in": "query",
                "description": "Whether the answer goes on as things happen.",
                "schema": { "type": "boolean", "default": false } }],
            "responses": {
              "200": { "description": "Events.", "content": { "application/x-ndjson": {
                "schema": { "$ref": "#/components/schemas/Event" } } } },
              \(problem) } } },
          "/v1/status": { "get": {
            "operationId": "status", "summary": "What the daemon is doing.",
            "responses": { "200": \(json("Status")), \(problem) } } },
          "/v1/model": { "get": {
            "operationId": "model", "summary": "The model that answers.",
            "responses": { "200": \(json("ModelInfo")), \(problem) } } },
          "/v1/rescan": { "post": {
            "operationId": "rescan", "summary": "Compares the folders with the index, whole.",
            "responses": { "202": \(json("RescanAnswer")), \(problem) } } },
          "/healthz": { "get": {
            "operationId": "healthz", "summary": "Whether the process answers.",
            "responses": { "200": \(json("Health")) } } },
          "/readyz": { "get": {
            "operationId": "readyz", "summary": "Whether queries are answered.",
            "responses": { "200": \(json("Health")), \(problem) } } },
          "/metrics": { "get": {
            "operationId": "metrics", "summary": "Counters and gauges for Prometheus.",
            "responses": { "200": { "description": "Metrics.", "content": {
              "text/plain; version=0.0.4": { "schema": { "type": "string" } } } } } } },
          "/openapi.json": { "get": {
            "operationId": "openAPI", "summary": "This description.",
            "responses": { "200": { "description": "OpenAPI 3.1.", "content": {
              "application/json": { "schema": { "type": "object" } } } } } } }
        }
        """

    private static let id = ##"{ "$ref": "#/components/parameters/id" }"##
    private static let paging =
        ##"{ "$ref": "#/components/parameters/limit" }, "##
        + ##"{ "$ref": "#/components/parameters/cursor" }"##
    private static let problem = ##""default": { "$ref": "#/components/responses/Problem" }"##

    private static func json(_ schema: String) -> String {
        #"{ "description": "\#(schema).", "content": { "application/json": { "schema": "#
            + ##"{ "$ref": "#/components/schemas/\##(schema)" } } } }"##
    }
}
