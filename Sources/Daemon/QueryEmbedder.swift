import API
import Catalog

/// What embeds the pictures of queries: an engine of their own, and the decode worker that the pool
/// keeps for them.
///
/// A query waits for other queries at most.
struct QueryEmbedder: PictureEmbedder {
    let pool: DecodeWorkerPool
    let engine: EmbeddingEngine

    func embed(descriptor: CInt) async throws -> EmbeddedImage {
        let view: DecodedView
        do {
            view = try await pool.decode(descriptor: descriptor, isUrgent: true)
        } catch {
            throw Self.problem(error)
        }
        return try await engine.embed(view)
    }

    private static func problem(_ failure: DecodeFailure) -> Problem {
        switch failure {
        case .refused(let reason):
            // Some reasons end in the remedy already.
            Problem(
                .notAPicture, "this cannot be decoded: \(reason)",
                hint: reason.contains(": ") ? nil : "send a JPEG or PNG picture")
        case .crashed, .timedOut:
            Problem(.notAPicture, "this cannot be decoded (\(failure))", hint: "send another")
        case .unavailable:
            Problem(.internalError, "\(failure)", hint: "see the daemon's log")
        case .closed:
            Problem(.notReady, "\(failure)", hint: "start it again")
        }
    }
}
