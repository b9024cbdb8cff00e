import Catalog
import Files
import Imaging
import Logging
import Model
import Synchronization

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

/// Works off the backlog: pending pictures are hashed, decoded by worker processes, embedded and
/// stored, a page at a time, so that memory is bounded whatever waits.
struct BacklogWorker: Sendable {
    /// Pictures that are worked off and stored together.
    private static let page = 64

    let catalog: ImageCatalog
    let decoder: any BacklogDecoder
    let embedder: any BacklogEmbedder
    /// How many pictures are decoded at once.
    let workers: Int
    /// The thread that reads files.
    let files: WorkThread
    let gate: BacklogGate
    let meter: ProgressMeter
    let logger: Logger

    /// What became of a pending picture.
    private enum Outcome: Sendable {
        case result(ImageResult)
        /// There is no such file any more.
        case gone(Int64)
        /// It is tried again after a while.
        case postponed(Int64, Duration)
    }

    /// Works off what is pending, page by page, and waits for more.
    func run() async throws {
        var last: Int64 = 0
        var didSomething = false
        var postponed: [Int64: ContinuousClock.Instant] = [:]
        var storing: Task<Void, any Error>?
        while true {
            try Task.checkCancellation()
            let page = try await catalog.pending(after: last, limit: Self.page)
            // Asked after the page was read: a comparison that began meanwhile may be in it.
            if gate.isShut {
                try await gate.wait(atMost: nil)
                continue
            }
            if let end = page.last {
                last = end.id
                let due = page.filter { postponed[$0.id].map { $0 <= .now } ?? true }
                if due.isEmpty { continue }
                let outcomes = try await work(on: due)
                for picture in due { postponed[picture.id] = nil }
                for case .postponed(let id, let wait) in outcomes { postponed[id] = .now + wait }
                didSomething = true
                // The next page is worked on while this one is stored.
                try await storing?.value
                storing = Task { try await store(outcomes) }
                continue
            }
            try await storing?.value
            storing = nil
            last = 0
            if didSomething {
                didSomething = false
                continue
            }
            if try await logger.whenThereIsRoom({ try await catalog.finishModelChange() }) {
                logger.notice("another model answers from now on")
            }
            try await gate.wait(atMost: postponed.values.min().map { $0 - .now })
        }
    }

    /// Works on the pictures of a page, a few at a time.
    private func work(on page: [PendingImage]) async throws -> [Outcome] {
        try await withThrowingTaskGroup(of: Outcome.self) { group in
            var outcomes: [Outcome] = []
            var waiting = page.makeIterator()
            // One more than are decoded at once, so that a worker never waits for hashing.
            for _ in 0...workers {
                guard let picture = waiting.next() else { break }
                group.addTask { try await examine(picture) }
            }
            while let outcome = try await group.next() {
                outcomes.append(outcome)
                if let picture = waiting.next() {
                    group.addTask { try await examine(picture) }
                }
            }
            return outcomes
        }
    }

    private func store(_ outcomes: [Outcome]) async throws {
        var results: [ImageResult] = []
        var gone: [Int64] = []
        for outcome in outcomes {
            switch outcome {
            case .result(let result): results.append(result)
            case .gone(let id): gone.append(id)
            case .postponed: break
            }
        }
        let (stored, missing) = (results, gone)
        try await logger.whenThereIsRoom {
            try await catalog.store(stored)
            try await catalog.remove(missing)
        }
        var (indexed, failed) = (0, 0)
        for result in results {
            switch result.verdict {
            case .embedded, .sameContent: indexed += 1
            case .failed: failed += 1
            case .notAPicture: break
            }
        }
        meter.add(indexed: indexed, failed: failed)
    }

    /// Finds out what a pending picture is: open, look at the first bytes, hash, decode, embed.
    private func examine(_ picture: PendingImage) async throws -> Outcome {
        let opened: Opened
        switch try await files.run({ Self.open(picture) }) {
        case .success(let file): opened = file
        case .failure(let refusal): return refusal.outcome
        }
        if opened.identity != picture.identity {
            // Touched since it was registered: from here on it is about this content.
            guard let root = try await catalog.image(id: picture.id)?.root else {
                return .gone(picture.id)
            }
            let file = FoundFile(path: picture.path, identity: opened.identity)
            _ = try await logger.whenThereIsRoom {
                try await catalog.register([file], root: root)
            }
        }
        func result(_ verdict: ImageResult.Verdict) -> Outcome {
            .result(
                ImageResult(
                    image: picture.id, identity: opened.identity, sha256: opened.sha256,
                    verdict: verdict))
        }
        if let refusal = opened.refusal { return result(refusal) }
        if let sha256 = opened.sha256 {
            if sha256 == picture.sha256, picture.hasEmbedding || picture.error != nil {
                return result(.sameContent)
            }
            if let known = try await catalog.embedding(ofContent: sha256) {
                return result(.embedded(known))
            }
        }
        let view: DecodedView
        do {
            view = try await abandonable { [decoder] in
                let view = try await decoder.backlogView(descriptor: opened.file.descriptor)
                withExtendedLifetime(opened.file) {}
                return view
            }
        } catch let failure as DecodeFailure {
            try Task.checkCancellation()
            return try failed(picture, opened, failure) ?? result(.failed(reason: "\(failure)"))
        }
        guard opened.isUntouched else {
            return .postponed(picture.id, .seconds(1))
        }
        return result(.embedded(try await embedder.embed(view)))
    }

    /// Whether a picture that was not decoded is tried again, and when.
    private func failed(
        _ picture: PendingImage, _ opened: Opened, _ failure: DecodeFailure
    ) throws -> Outcome? {
        guard failure.isOfPicture else {
            if failure == .closed { throw CancellationError() }
            logger.error("\(failure)")
            return .postponed(picture.id, .seconds(10))
        }
        // A file may still be written although it was quiet for a moment.
        let isFresh = (0..<2).contains(opened.identity.age)
        if !opened.isUntouched || isFresh {
            return .postponed(picture.id, .seconds(2))
        }
        return nil
    }

    // MARK: - The file

    /// A picture that was opened and read once.
    private struct Opened: Sendable {
        let file: OpenFile
        let identity: FileIdentity
        let sha256: String?
        /// What is known already without decoding it.
        let refusal: ImageResult.Verdict?

        /// Whether the file is still what it was when it was opened.
        var isUntouched: Bool { (try? file.status())?.identity == identity }
    }

    private struct Refusal: Error {
        let outcome: Outcome
    }

    /// Opens a picture, looks at its first bytes and hashes it; blocks.
    private static func open(_ picture: PendingImage) -> Result<Opened, Refusal> {
        func failure(_ reason: String) -> Result<Opened, Refusal> {
            let result = ImageResult(
                image: picture.id, identity: picture.identity, sha256: nil,
                verdict: .failed(reason: reason))
            return .failure(Refusal(outcome: .result(result)))
        }
        do {
            let file = try PictureFile.open(picture.path)
            let identity = try file.status().identity
            let header = try file.bytes(count: PictureFormat.headerBytes)
            let refusal = refusal(header, name: picture.path)
            let sha256 = refusal == .notAPicture ? nil : try FileDigest.sha256(of: file)
            return .success(
                Opened(file: file, identity: identity, sha256: sha256, refusal: refusal))
        } catch ImagingError.notARegularFile {
            return .failure(Refusal(outcome: .gone(picture.id)))
        } catch ImagingError.unreadable(let error) {
            if error.isAbsence { return .failure(Refusal(outcome: .gone(picture.id))) }
            if error.isLackOfDescriptors {
                return .failure(Refusal(outcome: .postponed(picture.id, .seconds(5))))
            }
            return failure("\(error.call): \(SystemCallError.message(error.number))")
        } catch let error as SystemCallError {
            return failure("\(error.call): \(SystemCallError.message(error.number))")
        } catch {
            return failure("\(error)")
        }
    }

    /// What a file's first bytes say against it; nil for a JPEG or PNG.
    private static func refusal(_ header: [UInt8], name path: FilePath) -> ImageResult.Verdict? {
        do throws(ImagingError) {
            _ = try PictureFormat(of: header)
            return nil
        } catch {
            switch error {
            case .notAPicture, .empty, .unsupportedFormat("this kind of media file"):
                return isNamedLikeAPicture(path) ? .failed(reason: "\(error)") : .notAPicture
            default: return .failed(reason: "\(error)")
            }
        }
    }

    /// Whether a user would expect a picture behind a name.
    private static func isNamedLikeAPicture(_ path: FilePath) -> Bool {
        let name = path.name
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let ending = String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
        return ["jpg", "jpeg", "jpe", "jfif", "png"].contains(ending)
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
