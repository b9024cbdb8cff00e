import Daemon
import Files
import Foundation
import Imaging
import Model
import TestSupport
import Testing

/// The program that is its own worker, built beside the tests.
private let program: String? = {
    let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folders = [tests, CommandLine.arguments.first].compactMap { $0 }.map {
        URL(filePath: $0).deletingLastPathComponent()
    }
    return folders.flatMap { [$0, $0.deletingLastPathComponent()] }
        .map { $0.appending(path: "dcd").path(percentEncoded: false) }
        .first { FileManager.default.isExecutableFile(atPath: $0) }
}()

private let decoders = SharedData.unpacked("decoders.tar")

@Suite(.enabled(if: program != nil, "dcd is not built beside the tests"))
struct DecodeWorkerTests {
    private let input = InputSpecification(width: 28, height: 20, shortSide: 32)

    private func withPool(
        workers: Int = 1, deadline: Duration = .seconds(20),
        arguments: [String] = ["decode-worker"],
        executable: String? = program, _ body: (DecodeWorkerPool) async throws -> Void
    ) async throws {
        let settings = DecodeWorkerSettings(
            executable: executable ?? "", arguments: arguments, input: input, deadline: deadline)
        let pool = DecodeWorkerPool(workers: workers, settings: settings)
        do {
            try await body(pool)
        } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }

    /// A picture of noise as a PNG file without compression.
    private func picture() -> (bytes: [UInt8], picture: Picture) {
        let pixels = (0..<(50 * 40 * 3)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        return (
            PNGWriter.encode(width: 50, height: 40, pixels: pixels),
            Picture(width: 50, height: 40, pixels: pixels)
        )
    }

    private func withOpenFile<Result>(
        _ path: String, _ body: (CInt) async throws -> Result
    ) async throws -> Result {
        let file = try PictureFile.open(FilePath(path))
        let result = try await body(file.descriptor)
        withExtendedLifetime(file) {}
        return result
    }

    @Test func aViewIsThatOfTheTrainer() async throws {
        let (bytes, picture) = picture()
        let folder = try TestSupport.TemporaryFolder()
        let path = try folder.write(bytes, to: "picture")
        try await withPool { pool in
            let view = try await withOpenFile(path) { try await pool.decode(descriptor: $0) }
            #expect((view.width, view.height) == (50, 40))
            #expect(view.pixels == picture.centerView(for: input).pixels)
            #expect(try await pool.decode(bytes: bytes) == view)
        }
    }

    @Test func aWorkerIsListedUnderItsOwnName() async throws {
        try await withPool { pool in
            _ = try await pool.decode(bytes: picture().bytes)
            let process = try #require(await pool.processes.first)
            let name = try String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
            #expect(name == "dcd: decode\n")
            let words = try String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)
            #expect(words == "dcd: decode\0decode-worker\0")
        }
    }

    @Test func aRefusalTellsWhyAndCostsNoWorker() async throws {
        try await withPool { pool in
            await #expect(throws: DecodeFailure.refused(reason: "neither JPEG nor PNG")) {
                try await pool.decode(bytes: Array("Dear Sir".utf8))
            }
            let before = await pool.processes
            await #expect(throws: DecodeFailure.refused(reason: "the file is empty")) {
                try await pool.decode(bytes: [])
            }
            #expect(await pool.processes == before)
        }
    }

    @Test func aCrashCostsOnePicture() async throws {
        try await withPool { pool in
            let (bytes, _) = picture()
            _ = try await pool.decode(bytes: bytes)
            let process = try #require(await pool.processes.first)
            kill(process, SIGSTOP)
            async let crash: Void = Task.detached {
                try await Task.sleep(for: .milliseconds(100))
                kill(process, SIGSEGV)
                kill(process, SIGCONT)
            }.value
            await #expect(throws: DecodeFailure.crashed(signal: SIGSEGV)) {
                try await pool.decode(bytes: bytes)
            }
            try await crash
            _ = try await pool.decode(bytes: bytes)
            #expect(await pool.processes.first != process)
            #expect(kill(process, 0) == -1 && errno == ESRCH, "a zombie is left")
        }
    }

    @Test func aHangIsEndedAtTheDeadline() async throws {
        let deadline = Duration.seconds(2)
        try await withPool(deadline: deadline) { pool in
            let (bytes, _) = picture()
            _ = try await pool.decode(bytes: bytes)
            let process = try #require(await pool.processes.first)
            kill(process, SIGSTOP)
            await #expect(throws: DecodeFailure.timedOut(deadline)) {
                try await pool.decode(bytes: bytes)
            }
            #expect(kill(process, 0) == -1 && errno == ESRCH, "a zombie is left")
        }
    }

    @Test func aWorkerThatDiedWhileIdleIsReplacedSilently() async throws {
        try await withPool { pool in
            let (bytes, _) = picture()
            _ = try await pool.decode(bytes: bytes)
            let process = try #require(await pool.processes.first)
            kill(process, SIGKILL)
            try await Task.sleep(for: .milliseconds(100))
            _ = try await pool.decode(bytes: bytes)
        }
    }

    @Test func anUrgentPictureDoesNotWaitForTheBacklog() async throws {
        try await withPool { pool in
            let (bytes, _) = picture()
            let folder = try TestSupport.TemporaryFolder()
            let path = try folder.write(bytes, to: "picture")
            try await withOpenFile(path) { descriptor in
                _ = try await pool.decode(descriptor: descriptor)
                let process = try #require(await pool.processes.first)
                kill(process, SIGSTOP)
                async let slow = pool.decode(descriptor: descriptor)
                async let behind = pool.decode(descriptor: descriptor)
                try await Task.sleep(for: .milliseconds(50))
                _ = try await pool.decode(bytes: bytes)
                kill(process, SIGCONT)
                #expect(try await slow == behind)
            }
        }
    }

    @Test func manyPicturesShareFewWorkers() async throws {
        try await withPool(workers: 2) { pool in
            let (bytes, picture) = picture()
            let expected = picture.centerView(for: input).pixels
            let folder = try TestSupport.TemporaryFolder()
            let path = try folder.write(bytes, to: "picture")
            try await withOpenFile(path) { descriptor in
                try await withThrowingTaskGroup(of: DecodedView.self) { group in
                    for _ in 0..<50 {
                        group.addTask { try await pool.decode(descriptor: descriptor) }
                    }
                    for try await view in group { #expect(view.pixels == expected) }
                }
            }
            #expect(await pool.processes.count == 2)
        }
    }

    @Test func shutdownEndsIdleAndBusyWorkers() async throws {
        var processes: [Int32] = []
        try await withPool { pool in
            let (bytes, _) = picture()
            _ = try await pool.decode(bytes: bytes)
            processes = await pool.processes
            kill(try #require(processes.first), SIGSTOP)
            let busy = Task { try await pool.decode(bytes: bytes) }
            try await Task.sleep(for: .milliseconds(50))
            await pool.shutdown()
            await #expect(throws: DecodeFailure.closed) { try await busy.value }
            await #expect(throws: DecodeFailure.closed) { try await pool.decode(bytes: bytes) }
            #expect(await pool.processes.isEmpty)
        }
        for process in processes { #expect(kill(process, 0) == -1 && errno == ESRCH) }
    }

    @Test func aProgramThatIsNoWorkerIsNotThePicturesFault() async throws {
        for (program, arguments) in [("/nonexistent", []), ("/bin/true", []), ("/bin/cat", ["-"])] {
            try await withPool(
                deadline: .milliseconds(300), arguments: arguments, executable: program
            ) { pool in
                let failure = await #expect(throws: DecodeFailure.self) {
                    try await pool.decode(bytes: [1])
                }
                #expect(failure?.isOfPicture == false)
                #expect(failure?.description.contains(program) == true)
            }
        }
    }

    @Test(.enabled(if: decoders != nil, Comment(rawValue: SharedData.message)))
    func hostileFilesLeaveThePoolAtWork() async throws {
        let root = decoders ?? ""
        let (bytes, picture) = picture()
        try await withPool(workers: 2) { pool in
            for folder in ["damaged", "huge", "kinds"] {
                let path = "\(root)/made/\(folder)"
                for name in try FileManager.default.contentsOfDirectory(atPath: path) {
                    let outcome = try await withOpenFile("\(path)/\(name)") {
                        descriptor -> DecodeFailure? in
                        do throws(DecodeFailure) {
                            _ = try await pool.decode(descriptor: descriptor)
                            return nil
                        } catch {
                            return error
                        }
                    }
                    guard let outcome else { continue }
                    guard case .refused = outcome else {
                        Issue.record("\(folder)/\(name): \(outcome)")
                        continue
                    }
                }
            }
            let view = try await pool.decode(bytes: bytes)
            #expect(view.pixels == picture.centerView(for: input).pixels)
        }
    }
}

extension DecodeWorkerPool {
    /// Decodes a picture's bytes, urgently, from a file of their own.
    fileprivate func decode(bytes: [UInt8]) async throws -> DecodedView {
        let folder = try TestSupport.TemporaryFolder()
        let file = try OpenFile(reading: FilePath(try folder.write(bytes, to: "picture")))
        defer { withExtendedLifetime(file) {} }
        return try await decode(descriptor: file.descriptor, isUrgent: true)
    }
}
