private import COpenBLAS

/// A kernel of OpenBLAS, the inner loops for one kind of CPU, by the name that the library gives
/// it: `SkylakeX`, `Haswell`.
///
/// The library looks for this CPU in a list of models, and a model that came after the library is
/// not in it: OpenBLAS 0.3.21, Debian 12's, takes its loops for SSE3, `Prescott`, on an Emerald Rapids
/// with AVX-512, which makes products three to four times as slow. What a CPU can do is told by
/// CPUID, whatever its model; what a kernel needs is in the table here.
package struct BLASKernel: Equatable, Sendable {
    /// What a kernel needs of the CPU, or a CPU has to offer, the most last.
    package enum Level: Int, Comparable, Sendable {
        /// Less than AVX2: SSE, or AVX alone.
        case older
        /// AVX2 and FMA.
        case avx2
        /// AVX-512 as Intel's servers have it since Skylake.
        case avx512

        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

        /// That of this CPU; nil where it is none that kernels are chosen for here.
        package static let ofThisCPU: Level? = {
            #if arch(x86_64)
            let features = cob_cpu_features()
            if features & UInt32(COB_AVX512) != 0 { return .avx512 }
            return features & UInt32(COB_AVX2) != 0 ? .avx2 : .older
            #else
            return nil
            #endif
        }()
    }

    /// The library's name for it.
    package let name: String

    package init(_ name: String) { self.name = name }

    // Names come in more than one case; OPENBLAS_CORETYPE takes any.
    package static func == (a: Self, b: Self) -> Bool { a.name.lowercased() == b.name.lowercased() }

    /// Those to choose from, the best first, with what they need.
    private static let choice: [(kernel: BLASKernel, needs: Level)] = [
        (BLASKernel("SkylakeX"), .avx512), (BLASKernel("Haswell"), .avx2),
        (BLASKernel("Prescott"), .older),
    ]

    /// Every kernel of 0.3.21 for x86-64 that does without AVX-512.
    private static let needs: [Level: [String]] = [
        .avx2: ["Haswell", "Zen", "Excavator"],
        .older: [
            "Katmai", "Coppermine", "Northwood", "Prescott", "Banias", "Core2", "Penryn",
            "Dunnington", "Nehalem", "Atom", "Nano", "Sandybridge", "Athlon", "Opteron",
            "Opteron_SSE3", "Barcelona", "Bobcat", "Bulldozer", "Piledriver", "Steamroller",
        ],
    ]

    /// What this kernel needs.
    ///
    /// One that is not in the table comes with a newer library, which knows what it is good for.
    package var level: Level {
        Self.needs.first { $0.value.contains { BLASKernel($0) == self } }?.key ?? .avx512
    }

    /// The kernels to try on a CPU, in this order: what the library has chosen, unless the CPU can
    /// do more, then what suits the CPU.
    ///
    /// - Parameters:
    ///   - own: The library's choice.
    ///   - cpu: What the CPU can do; nil leaves it to the library.
    /// - Returns: One or more, `own` among them.
    package static func candidates(own: BLASKernel, cpu: Level?) -> [BLASKernel] {
        guard let cpu else { return [own] }
        let suitable = choice.filter { $0.needs <= cpu && $0.kernel != own }.map(\.kernel)
        guard own.level < cpu else { return [own] + suitable }
        let better = suitable.prefix { $0.level > own.level }
        return better + [own] + suitable.dropFirst(better.count)
    }
}

extension [BLASKernel] {
    /// The first kernel that computes right products.
    ///
    /// - Parameters:
    ///   - tell: Told of each kernel before it whose products are wrong.
    ///   - isSound: Whether a kernel's products are right; nil where the library lacks it.
    /// - Returns: The kernel.
    /// - Throws: What `isSound` throws, and `OpenBLASError` without such a kernel.
    package func firstSound(
        tell: (String) -> Void, _ isSound: (BLASKernel) throws(OpenBLASError) -> Bool?
    ) throws(OpenBLASError) -> BLASKernel {
        for kernel in self {
            guard let isSound = try isSound(kernel) else { continue }
            if isSound { return kernel }
            tell("OpenBLAS computes wrong products with its kernel \(kernel) on this CPU")
        }
        throw OpenBLASError(reason: "none of its kernels computes right products on this CPU")
    }
}

extension BLASKernel: CustomStringConvertible {
    package var description: String { name }
}
