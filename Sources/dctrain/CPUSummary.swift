import Foundation
import Inference
import LinearAlgebra

/// What this machine computes with.
struct CPUSummary: Encodable {
    let cpu: String
    let threads: Int
    /// The kernel row of the int8 engine, and those that could be pinned by `DC_ISA`.
    let instructionSet: String
    let instructionSets: [String]
    /// The trainer's own loops; none where the CPU has no AVX2.
    let floatLoops: String?
    let blasKernel: String
    let blasKernelReason: String
    /// The caches of the first processor, the nearest first.
    let caches: [String]

    private enum CodingKeys: String, CodingKey {
        case cpu, threads, caches
        case instructionSet = "instruction_set"
        case instructionSets = "instruction_sets"
        case floatLoops = "float_loops"
        case blasKernel = "blas_kernel"
        case blasKernelReason = "blas_kernel_reason"
    }

    init() throws {
        cpu = Processor.model
        threads = ProcessInfo.processInfo.activeProcessorCount
        (instructionSet, instructionSets) = try InferencePlan.instructionSets()
        floatLoops = FloatLoops.current?.name
        (blasKernel, blasKernelReason) = (BLAS.kernel.name, BLAS.kernelReason)
        caches = Self.caches()
    }

    var text: String {
        [
            ("cpu", cpu),
            ("threads", "\(threads)"),
            ("int8 engine", "\(instructionSet), of \(instructionSets.joined(separator: ", "))"),
            ("float loops", floatLoops ?? "none, OpenBLAS alone"),
            ("OpenBLAS", "\(blasKernel), \(blasKernelReason)"),
            ("caches", caches.isEmpty ? "unknown" : caches.joined(separator: ", ")),
        ].map { "\($0.0.padded(to: 13))\($0.1)" }.joined(separator: "\n")
    }

    /// As Linux tells them: `L1 data 48K`.
    private static func caches() -> [String] {
        (0..<8).compactMap { index in
            func value(_ name: String) -> String? {
                let path = "/sys/devices/system/cpu/cpu0/cache/index\(index)/\(name)"
                return try? String(contentsOfFile: path, encoding: .utf8)
                    .trimmingCharacters(in: .whitespacesAndNewlines)
            }
            guard let level = value("level"), let kind = value("type"), let size = value("size")
            else { return nil }
            return kind == "Unified"
                ? "L\(level) \(size)" : "L\(level) \(kind.lowercased()) \(size)"
        }
    }
}
