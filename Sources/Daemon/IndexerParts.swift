package import Catalog
import Imaging
package import Inference

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// What decodes the pictures of the backlog.
package protocol BacklogDecoder: Sendable {
    /// The view that the network wants of a picture, open for reading; the descriptor stays the
    /// caller's, who keeps it open until this returns.
    func backlogView(descriptor: CInt) async throws(DecodeFailure) -> DecodedView
}

extension DecodeWorkerPool: BacklogDecoder {
    package func backlogView(descriptor: CInt) async throws(DecodeFailure) -> DecodedView {
        try await decode(descriptor: descriptor, isUrgent: false)
    }
}

/// What makes embeddings of the pictures of the backlog.
package protocol BacklogEmbedder: Sendable {
    /// The embedding and cluster of a picture.
    func embed(_ view: DecodedView) async throws -> EmbeddedImage
}

/// The engine of the backlog, apart from that of queries: a plan on a thread of low priority.
package struct BacklogEngine: BacklogEmbedder {
    /// What is added to the nice value of the threads, so that queries and everyone else go first.
    package static let niceness: CInt = 10

    private let plan: InferencePlan
    private let thread: WorkThread

    /// Makes the plan on the engine's own thread, whose priority the plan's threads inherit.
    package init(plan: @escaping @Sendable () throws -> InferencePlan) async throws {
        let thread = WorkThread(niceness: Self.niceness)
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

    /// Ends the thread.
    package func stop() async {
        await thread.stop()
    }
}

/// An open file, closed when nobody uses it any more.
final class OpenFile: Sendable {
    let descriptor: CInt

    /// Opens a regular file without following a link as its last part.
    init(_ path: [UInt8]) throws(ImagingError) {
        descriptor = try PictureFile.open(path)
    }

    deinit { close(descriptor) }

    /// What the system says of it now.
    var identity: FileIdentity? {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        return FileIdentity(status)
    }

    /// Its first bytes, enough to tell formats apart.
    func header() throws(ImagingError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: PictureFormat.headerBytes)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else { throw .unreadable(path: "", call: "read", code: errno) }
        return Array(bytes.prefix(count))
    }
}

extension FileIdentity {
    init(_ status: stat) {
        self.init(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000
                + Int64(status.st_mtim.tv_nsec))
    }

    /// What lies at a path, if it is a regular file; a link is none.
    init?(ofFileAt path: [UInt8]) {
        var status = stat()
        let name = path.map { CChar(bitPattern: $0) } + [0]
        guard unsafe lstat(name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        self.init(status)
    }

    /// How long ago the file was written, in seconds; negative for times to come.
    var age: Double {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9 - Double(modified) / 1e9
    }
}

/// Waits for `work`, or leaves it to itself when the task is cancelled.
///
/// A decoder may take its time over a picture; whoever stops the daemon need not wait for it.
func abandonable<Result: Sendable>(
    _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let answers = AsyncThrowingStream<Result, any Error> { continuation in
        Task {
            do {
                continuation.yield(try await work())
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
    }
    for try await answer in answers { return answer }
    throw CancellationError()
}
