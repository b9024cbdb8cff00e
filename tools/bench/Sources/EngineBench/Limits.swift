import Answers
import ArgumentParser
import CLimits
import Foundation
import Inference
import Model

/// `engine-bench limits`: what this CPU can do at best, as one line of JSON.
struct Limits: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure register loops and memory reading.",
        discussion: """
            Products a second of every instruction that the CPU has, or, for a model, of the one \
            that its kernels use; bytes a second that are read from memory.
            """)

    @Argument(help: "An int8 checkpoint.")
    var model: String?

    @Option(help: "How many threads work at once.")
    var threads = 1

    func run() throws {
        var results = ["bytes": CPULimit.bytesRead(threads: threads)]
        guard let model else {
            for (name, way) in CPULimit.ways where cl_has(way) != 0 {
                results[name] = CPULimit.products(way, threads: threads)
            }
            return try printJSON(results)
        }
        let checkpoint = try Checkpoint(contentsOf: model, needed: .int8)
        let isa = try InferencePlan(checkpoint).instructionSet
        try printJSON(
            ModelLimits(
                isa: isa, bytes: results["bytes"] ?? 0,
                products: CPULimit.products(
                    isa: isa, weightBits: checkpoint.weightBits ?? 8, threads: threads)))
    }

    private struct ModelLimits: Encodable {
        var isa: String
        var bytes: Double
        var products: Double?
    }
}

/// Measured limits of the CPU, a second.
enum CPULimit {
    static let ways: [(name: String, way: cl_way)] = [
        ("dpbusd_512", CL_DPBUSD_512), ("dpbusd_256", CL_DPBUSD_256), ("dpbusd_vex", CL_DPBUSD_VEX),
        ("maddubs", CL_MADDUBS),
        ("maddwd", CL_MADDWD), ("dot_neon", CL_DOT_NEON),
    ]

    /// The products a second of the exact instruction that a row of kernels has, `nil` for the
    /// reference.
    static func products(isa: String, weightBits: Int, threads: Int) -> Double? {
        switch isa {
        case "avx512vnni": products(CL_DPBUSD_512, threads: threads)
        case "avx512vl": products(CL_DPBUSD_256, threads: threads)
        case "avxvnni": products(CL_DPBUSD_VEX, threads: threads)
        // Two products of 8-bit weights do not fit the int16 of vpmaddubsw.
        case "avx2": products(weightBits == 7 ? CL_MADDUBS : CL_MADDWD, threads: threads)
        case "neon": products(CL_DOT_NEON, threads: threads)
        default: nil
        }
    }

    /// The products a second of a loop on some threads, the best of several attempts.
    static func products(_ way: cl_way, threads: Int) -> Double {
        let iterations: UInt64 = 1_000_000
        return best(of: 30) { attempt in
            let (time, products) = together(threads) { _ in cl_multiply(way, iterations) }
            return attempt == 0 ? 0 : Double(products) / time
        }
    }

    /// The bytes a second that some threads read from memory, the best of several attempts.
    static func bytesRead(threads: Int) -> Double {
        // Each thread has 256 MiB: more than the caches hold, even of large servers.
        let count = 32 << 20
        let memory = [UInt64](repeating: 1, count: threads * count)
        return best(of: 5) { _ in
            let (time, bytes) = together(threads) { thread in
                unsafe memory.withUnsafeBufferPointer { words in
                    let start = unsafe words.baseAddress! + thread * count
                    // What is read is all ones, so this adds nothing but keeps the reading.
                    return unsafe UInt64(count * 8) + (cl_read(start, count * 8) & 2)
                }
            }
            return Double(bytes) / time
        }
    }

    private static func best(of attempts: Int, _ body: (Int) -> Double) -> Double {
        (0..<attempts).map(body).max() ?? 0
    }

    /// Runs `body` on some threads at once: the seconds until all were done, and the sum of the
    /// results.
    private static func together(
        _ threads: Int, _ body: @escaping @Sendable (Int) -> UInt64
    ) -> (seconds: Double, sum: UInt64) {
        let total = Sum()
        let start = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: threads) { total.add(body($0)) }
        return (seconds(since: start), total.value)
    }
}
