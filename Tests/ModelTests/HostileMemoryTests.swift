import Foundation
import Model
import Tensors
import TestSupport
import Testing

/// Files made to cost more than they weigh: reading one allocates no more than its size and 64 MiB.
///
/// A process of its own reads each, and the system refuses it more memory than that, touched or
/// not: an allocation beyond ends the process.
@Suite(.serialized)
struct HostileMemoryTests {
    enum HostileFile: String, CaseIterable, Sendable {
        case values, names, tensors, layers, deepText, longText, longEscapes, longType
        case lyingShape, lyingLength, largeWeights

        /// Writes the file.
        func write(to path: String) throws {
            let bytes: [UInt8]
            switch self {
            case .largeWeights: return try Self.writeLargeWeights(to: path)
            case .lyingLength: bytes = [0, 0, 0, 1, 0, 0, 0, 0] + Array("{\"a\":".utf8)
            default:
                bytes = CheckpointFile.bytes(header: Array(try header().utf8), data: [1, 2, 3])
            }
            try Data(bytes).write(to: URL(filePath: path))
        }

        /// A header, of nearly 16 MiB where nothing else bounds it.
        private func header() throws -> String {
            func text(_ piece: String) -> String {
                String(repeating: piece, count: (16 << 20 - 4096) / piece.utf8.count)
            }
            var file = try CheckpointFile(smallCheckpoint())
            switch self {
            case .values: return "{\"a\":[\(text("1,"))1]}"
            case .names:
                return "{\((0..<1_200_000).map { "\"\($0)\":0" }.joined(separator: ","))}"
            case .tensors:
                let members = (0..<37_000).map {
                    "\"\($0)\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"
                }
                return "{\(members.joined(separator: ","))}"
            case .layers:
                let layers = (0..<50_000).map {
                    "{\"name\":\"\($0)\",\"kind\":\"relu\",\"inputs\":[\"input\"]}"
                }
                file["network"]?["layers"] = .scalar("[\(layers.joined(separator: ","))]")
            case .deepText: return text("{\"a\":")
            case .longText: file["network"]?["feature"] = .scalar("\"\(text("x"))\"")
            case .longEscapes: file["license"] = .scalar("\"\(text("\\u00e9"))\"")
            case .longType: file.header["conv1.weight", "dtype"] = .scalar("\"\(text("x"))\"")
            case .lyingShape:
                file.header["conv1.weight", "shape"] = .scalar("[1000000,1000000]")
                file.header["conv1.weight", "data_offsets"] = .scalar("[0,4000000000000]")
            case .lyingLength, .largeWeights: break
            }
            return file.header.text
        }

        /// A file that is read: 64 MiB of weights, and not twice that in memory.
        private static func writeLargeWeights(to path: String) throws {
            var network = Network(layers: [], feature: "fc")
            network.append("fc", .linear(outputs: 5461, hasBias: false))
            let checkpoint = Checkpoint(
                network: network, input: .square(32), precision: .float32, clustering: nil,
                provenance: smallCheckpoint().provenance, license: "CC0-1.0",
                tensors: ["fc.weight": .float32(Tensor(repeating: 1, shape: [5461, 3072]))])
            try checkpoint.write(to: path)
        }
    }

    @Test(arguments: HostileFile.allCases)
    func takesNoMoreThanItsSizeAnd64MiB(file: HostileFile) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("\(file.rawValue).safetensors")
        try file.write(to: path)
        await #expect(processExitsWith: .success, "\(file)") { [path = path as String] in
            let size = try #require(
                FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
            let before = try Self.limitMemory(to: size + 64 << 20)
            defer { Self.setMemoryLimit(before) }
            do throws(CheckpointError) {
                let read = try Checkpoint(contentsOf: path)
                #expect(read.network.feature == "fc", "it is read")
            } catch {
                #expect(error.description.hasPrefix(path) && error.description.count < 1000)
            }
        }
    }

    /// Lets this process allocate so many bytes beside those it has.
    ///
    /// - Returns: The limit before, which must be put back: the library of matrix products starts
    ///   a thread that asks for its memory until it gets it, and the process waits for that
    ///   thread when it ends.
    private static func limitMemory(to bytes: Int) throws -> rlim_t {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmData:") })
        let kilobytes = try #require(
            line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first)
        let limit = try #require(Int(kilobytes)) * 1024 + bytes
        var limits = rlimit()
        #expect(unsafe getrlimit(memory, &limits) == 0)
        setMemoryLimit(rlim_t(limit))
        return limits.rlim_cur
    }

    private static func setMemoryLimit(_ bytes: rlim_t) {
        var limits = rlimit()
        #expect(unsafe getrlimit(memory, &limits) == 0)
        limits.rlim_cur = bytes
        #expect(unsafe setrlimit(memory, &limits) == 0)
    }

    private static let memory = __rlimit_resource_t(RLIMIT_DATA.rawValue)
}
