import API
import Catalog
import Inference

/// The engine of queries, apart from that of the backlog: a plan and a thread of its own, and the
/// decode worker that the pool keeps for it.
///
/// A query waits for other queries at most.
struct QueryEngine: PictureEmbedder {
    private let pool: DecodeWorkerPool
    private let plan: InferencePlan
    private let thread = WorkThread()
    private let pixelCount: Int

    /// An engine with a plan for single pictures.
    init(pool: DecodeWorkerPool, plan: InferencePlan, pixelCount: Int) {
        self.pool = pool
        self.plan = plan
        self.pixelCount = pixelCount
    }

    /// Runs the network once on grey, so that the first query finds all in memory.
    func warmUp() async throws {
        let grey = [UInt8](repeating: 128, count: pixelCount)
        _ = try await thread.run { [plan] in plan.embed(grey.span, count: 1) }
    }

    func embed(descriptor: CInt) async throws -> EmbeddedImage {
        let view: DecodedView
        do {
            view = try await pool.decode(descriptor: descriptor, isUrgent: true)
        } catch {
            throw Self.problem(error)
        }
        let pixels = view.pixels
        let embedding = try await thread.run { [plan] in
            plan.embed(pixels.span, count: 1)[0]
        }
        return EmbeddedImage(
            width: view.width, height: view.height, vector: embedding.vector,
            assignment: Assignment(embedding))
    }

    /// Ends the thread.
    func stop() async {
        await thread.stop()
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

extension Catalog.Assignment {
    /// The assignment that the network made; with one cluster there is no runner-up.
    init(_ embedding: Embedding) {
        let isAlone = embedding.second == embedding.cluster
        self.init(
            cluster: embedding.cluster, distance: embedding.distance,
            second: isAlone ? nil : embedding.second, margin: isAlone ? nil : embedding.margin)
    }
}
