package import Catalog
package import Inference

/// What makes embeddings of the pictures of the backlog.
package protocol BacklogEmbedder: Sendable {
    /// The embedding and cluster of a picture.
    func embed(_ view: DecodedView) async throws -> EmbeddedImage
}

/// A planned network on a thread of its own.
///
/// Queries and the backlog have one each, so that neither waits for the other.
package struct EmbeddingEngine: BacklogEmbedder {
    /// What is added to the nice value of the backlog's threads, so that queries and everyone else go
    /// first.
    package static let backlogNiceness: CInt = 10

    private let plan: InferencePlan
    private let thread: WorkThread

    /// Makes the plan on the engine's own thread, whose priority the plan's threads inherit.
    package init(
        niceness: CInt = 0, plan: @escaping @Sendable () throws -> InferencePlan
    ) async throws {
        let thread = WorkThread(niceness: niceness)
        do {
            self.plan = try await thread.run(plan)
        } catch {
            await thread.stop()
            throw error
        }
        self.thread = thread
    }

    package func embed(_ view: DecodedView) async throws -> EmbeddedImage {
        let pixels = view.pixels
        let embedding = try await thread.run { [plan] in plan.embed(pixels.span, count: 1)[0] }
        return EmbeddedImage(
            width: view.width, height: view.height, vector: embedding.vector,
            assignment: Assignment(embedding))
    }

    /// Runs the network once on grey, so that the first picture finds all in memory.
    func warmUp(pixelCount: Int) async throws {
        let grey = [UInt8](repeating: 128, count: pixelCount)
        _ = try await thread.run { [plan] in plan.embed(grey.span, count: 1) }
    }

    /// Ends the thread.
    package func stop() async {
        await thread.stop()
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
