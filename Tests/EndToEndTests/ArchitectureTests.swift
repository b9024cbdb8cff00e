import Foundation
import TestSupport
import Testing

/// The import rules, seen in the manifest and in the sources, and what the programs link.
struct ArchitectureTests {
    /// Who may know whom: every module with the own modules it may import.
    private static let rules: [String: Set<String>] = [
        "Tensors": [],
        "Model": ["Tensors"],
        "Imaging": ["Model", "Tensors", "CImageCodecs", "CResampling"],
        "LinearAlgebra": ["Tensors", "CFloatLoops", "COpenBLAS"],
        "Clustering": ["LinearAlgebra", "Tensors"],
        "Training": [
            "Clustering", "Imaging", "LinearAlgebra", "Model", "Tensors", "CFloatLoops",
        ],
        "Evaluation": [
            "Inference", "Training", "Clustering", "Imaging", "LinearAlgebra", "Model", "Tensors",
        ],
        "Report": [
            "Evaluation", "Training", "Clustering", "Imaging", "LinearAlgebra", "Model", "Tensors",
        ],
        "Quantization": ["Inference", "Training", "LinearAlgebra", "Model", "Tensors"],
        "FrozenClustering": [
            "Quantization", "Inference", "Training", "Clustering", "Imaging", "LinearAlgebra",
            "Model", "Tensors",
        ],
        "Exchange": ["Model", "Tensors"],
        "Kernels": ["Tensors", "CKernels"],
        "Inference": ["Kernels", "Model", "Tensors"],
        "Catalog": ["Kernels", "Tensors"],
        "FolderWatch": [],
        "API": [],
        "Client": ["API"],
        "Daemon": [
            "API", "Catalog", "FolderWatch", "Imaging", "Inference", "Model", "Tensors",
            "CSystemd", "CWorker",
        ],
        "dctrain": [
            "FrozenClustering", "Quantization", "Exchange", "Evaluation", "Report", "Training",
            "Clustering", "Imaging", "Inference", "LinearAlgebra", "Model", "Tensors",
        ],
        "dcd": ["Daemon"],
        "dcctl": ["API", "Client"],
        "CImageCodecs": [], "CResampling": [], "CFloatLoops": [], "CKernels": [], "CWorker": [],
        "COpenBLAS": [], "CSystemd": [],
    ]

    /// Outside packages, each with the one module (or the programs) that may import it.
    private static let outside: [String: Set<String>] = [
        "Crypto": ["Model"],
        "SwiftProtobuf": ["Exchange"],
        "GRDB": ["Catalog"],
        "ArgumentParser": ["dctrain", "dcd", "dcctl"],
        "NIOCore": ["Client", "Daemon"],
        "NIOPosix": ["Client", "Daemon"],
        "NIOHTTP1": ["Client", "Daemon"],
        "Hummingbird": ["Daemon"],
        "HummingbirdCore": ["Daemon"],
        "HTTPTypes": ["Daemon"],
        "Configuration": ["Daemon"],
        "Yams": ["Daemon"],
        "Logging": ["Daemon"],
        "Metrics": ["Daemon"],
        "CoreMetrics": ["Daemon"],
        "ServiceLifecycle": ["Daemon"],
        "UnixSignals": ["Daemon"],
    ]

    /// What comes with the toolchain.
    private static let system: Set<String> = [
        "Foundation", "FoundationEssentials", "Dispatch", "Glibc", "Musl", "Synchronization",
        "RegexBuilder", "SystemPackage",
    ]

    @Test func manifestKeepsTheRules() throws {
        let targets = try Manifest().dependencies
        #expect(Set(targets.keys) == Set(Self.rules.keys))
        for (target, dependencies) in targets {
            let own = Set(dependencies).intersection(Self.rules.keys)
            let forbidden = own.subtracting(Self.rules[target] ?? [])
            #expect(forbidden.isEmpty, "\(target) may not depend on \(forbidden.sorted())")
            for product in Set(dependencies).subtracting(own) {
                let allowed = Self.outside[product]?.contains(target) ?? false
                #expect(allowed, "\(target) may not depend on the product \(product)")
            }
        }
    }

    // A module can import what its dependencies depend on, so the manifest alone proves little.
    @Test func sourcesKeepTheRules() throws {
        for (module, file, imported) in try SourceImports.all()
        where !Self.system.contains(imported) {
            if Self.rules[imported] != nil {
                let allowed = Self.rules[module]?.contains(imported) ?? false
                #expect(allowed, "\(file) may not import \(imported)")
            } else {
                let allowed = Self.outside[imported]?.contains(module) ?? false
                #expect(allowed, "\(file) may not import the outside module \(imported)")
            }
        }
    }

    // It is loaded and not linked, so the name of the file is what shows.
    @Test(arguments: [("dctrain", true), ("dcd", false), ("dcctl", false)])
    func programLoadsOpenBLAS(program: String, does: Bool) throws {
        let binary = try Data(contentsOf: URL(filePath: Program(name: program).path))
        #expect((binary.range(of: Data("libopenblas.so".utf8)) != nil) == does)
    }

    @Test(arguments: [
        ("dctrain", ["sqlite3", "systemd"]),
        ("dcctl", ["sqlite3", "systemd", "jpeg", "png"]),
    ])
    func programLinksNo(program: String, libraries: [String]) async throws {
        let needed = try await Outcome(
            of: "/usr/bin/env", ["readelf", "--dynamic", Program(name: program).path])
        #expect(needed.status == 0, "\(needed.errors)")
        let lines = needed.output.split(separator: "\n").filter { $0.contains("(NEEDED)") }
        #expect(!lines.isEmpty)
        for library in libraries {
            #expect(!lines.contains { $0.contains("lib\(library)") }, "\(program): \(library)")
        }
    }

    // The mangled name of everything in a module begins with its length and its name.
    @Test(arguments: [
        ("dcd", ["Training", "Clustering", "LinearAlgebra", "Evaluation", "Quantization"]),
        ("dctrain", ["Daemon", "Catalog", "FolderWatch", "GRDB", "NIOPosix", "Hummingbird"]),
        ("dcctl", ["Daemon", "Catalog", "Inference", "Kernels", "Model", "Training", "GRDB"]),
    ])
    func programHoldsNoCodeOf(program: String, modules: [String]) async throws {
        let symbols = try await Outcome(of: "/usr/bin/env", ["nm", Program(name: program).path])
        #expect(symbols.status == 0, "\(symbols.errors)")
        #expect(symbols.output.contains("$s\(program.count)\(program)"), "no symbols to look at")
        for module in modules {
            let found = symbols.output.contains(" $s\(module.utf8.count)\(module)")
            #expect(!found, "\(program) holds code of \(module)")
        }
    }
}

/// The targets of `Package.swift`, read as text: `swift package dump-package` would wait for the
/// build that runs the tests.
private struct Manifest {
    /// Every target but the tests, with the names of its dependencies.
    private(set) var dependencies: [String: [String]] = [:]

    init() throws {
        let text = try String(contentsOfFile: SharedData.root + "/Package.swift", encoding: .utf8)
        let declaration =
            /\.(?<kind>target|executableTarget|systemLibrary|testTarget)\(\s*name: "(?<name>\w+)"/
        let list = /dependencies: \[(?<items>(?:[^\[\]]|\[[^\]]*\])*)\]/
        let product = /\.product\(name: "(?<name>\w+)", package: "[^"]+"\)/
        let matches = text.matches(of: declaration)
        for (index, match) in matches.enumerated() {
            let name = String(match.name)
            if match.kind == "testTarget" || name.hasSuffix("TestSupport") { continue }
            let end =
                index + 1 < matches.count ? matches[index + 1].range.lowerBound : text.endIndex
            var items =
                text[match.range.upperBound..<end].firstMatch(of: list).map {
                    String($0.items)
                } ?? ""
            var found = items.matches(of: product).map { String($0.name) }
            items.replace(product, with: "")
            found += items.matches(of: /"(?<name>\w+)"/).map { String($0.name) }
            // Two products are named by constants above the package.
            if items.contains("crypto") { found.append("Crypto") }
            if items.contains("argumentParser") { found.append("ArgumentParser") }
            dependencies[name] = found
        }
        guard dependencies.count > 10 else { throw Unexpected("Package.swift cannot be read") }
    }
}

/// The import lines below `Sources`.
private enum SourceImports {
    static func all() throws -> [(module: String, file: String, imported: String)] {
        let sources = SharedData.root + "/Sources"
        let line =
            /^(?:@\w+(?:\(\w+\))? )?(?:\w+ )?import (?:struct |class |enum |func )?(?<name>\w+)/
        var result: [(String, String, String)] = []
        let files = FileManager.default.enumerator(atPath: sources)
        while let file = files?.nextObject() as? String {
            guard file.hasSuffix(".swift") else { continue }
            let module = String(file.prefix { $0 != "/" })
            let text = try String(contentsOfFile: "\(sources)/\(file)", encoding: .utf8)
            for match in text.matches(of: line.anchorsMatchLineEndings()) {
                result.append((module, file, String(match.name)))
            }
        }
        guard result.count > 50 else { throw Unexpected("no sources below \(sources)") }
        return result
    }
}
