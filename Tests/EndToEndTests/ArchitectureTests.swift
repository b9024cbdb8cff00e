import Foundation
import TestSupport
import Testing

/// The README's table of modules, held against the manifest and the sources, and what the programs link.
struct ArchitectureTests {
    /// What comes with the toolchain.
    private static let system: Set<String> = [
        "Foundation", "FoundationEssentials", "Dispatch", "Glibc", "Synchronization",
        "RegexBuilder", "SystemPackage",
    ]

    @Test func manifestKeepsTheTable() throws {
        let (table, targets) = try (ModuleTable().imports, Manifest().dependencies)
        #expect(Set(targets.keys).filter { !ModuleTable.isC($0) } == Set(table.keys))
        for (target, dependencies) in targets {
            let row = table[target] ?? []
            #expect(Set(dependencies) == row, "Package.swift and the README differ on \(target)")
        }
    }

    // A module can import what its dependencies depend on, so the manifest alone proves little.
    @Test func sourcesKeepTheTable() throws {
        let table = try ModuleTable().imports
        var found: [String: Set<String>] = [:]
        for (module, file, imported) in try SourceImports.all()
        where !Self.system.contains(imported) {
            #expect(table[module]?.contains(imported) == true, "\(file) imports \(imported)")
            found[module, default: []].insert(imported)
        }
        for (module, row) in table {
            let unused = row.subtracting(found[module] ?? [])
            #expect(unused.isEmpty, "\(module) does not use \(unused.sorted())")
        }
    }

    // The training loop is for who trains.
    @Test(arguments: ["Evaluation", "FrozenClustering", "Quantization", "Report"])
    func nothingBelowKnowsTraining(module: String) throws {
        let row = try #require(try ModuleTable().imports[module])
        #expect(!row.contains("Training"))
    }

    // `Foundation` hands all of C on, so imports prove nothing here.
    @Test func systemCallsHaveAHome() throws {
        var found = 0
        for call in try SystemCalls.all() {
            found += 1
            #expect(call.isAtHome, "\(call.file):\(call.line) calls \(call.name)")
        }
        #expect(found > 50, "the calls in Files were not found")
        let conditional = try SourceImports.files().filter {
            !$0.file.hasSuffix(".pb.swift") && $0.text.contains("canImport")
        }
        #expect(conditional.isEmpty, "\(conditional.map(\.file))")
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
        (
            "dcd",
            [
                "Training", "FloatNetworks", "Vocabulary", "Clustering", "LinearAlgebra",
                "Evaluation", "Quantization",
            ]
        ),
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

/// The README's table of modules: what each may import.
private struct ModuleTable {
    /// The names in a module's last column, by the module.
    private(set) var imports: [String: Set<String>] = [:]

    init() throws {
        let text = try String(contentsOfFile: SharedData.root + "/README.md", encoding: .utf8)
        guard
            let head = text.range(
                of: "| Module | The one thing it hides | Imports |\n|---|---|---|\n")
        else { throw Unexpected("the README has no table of modules") }
        for line in text[head.upperBound...].split(
            separator: "\n", omittingEmptySubsequences: false)
        {
            guard line.hasPrefix("|") else { break }
            let cells = line.split(separator: "|")
            func names(_ cell: Substring) -> [String] {
                cell.matches(of: /`(?<name>\w+)`/).map { String($0.name) }
            }
            guard cells.count == 3, let module = names(cells[0]).first else {
                throw Unexpected("no row of modules: \(line)")
            }
            imports[module] = Set(names(cells[2]))
        }
        guard imports.count > 10 else { throw Unexpected("the README's table is cut off") }
    }

    /// Whether a target is C, which imports none of ours and has no row.
    static func isC(_ target: String) -> Bool {
        target.hasPrefix("C") && target.dropFirst().first?.isUppercase == true
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
            // Three products are named by constants above the package.
            if items.contains("crypto") { found.append("Crypto") }
            if items.contains("real") { found.append("RealModule") }
            if items.contains("argumentParser") { found.append("ArgumentParser") }
            dependencies[name] = found
        }
        guard dependencies.count > 10 else { throw Unexpected("Package.swift cannot be read") }
    }
}

/// The calls of C's functions on files, descriptors and processes below `Sources`.
private struct SystemCalls {
    let file: String
    let line: Int
    let name: String

    /// Where they may be, by the beginning of the file's path.
    private static let homes = [
        "Files/", "FolderWatch/Inotify.swift", "Daemon/DecodeWorker.swift",
        "Daemon/DecodeWorkerConnection.swift", "Daemon/DecodeWorkerSlot.swift",
        "Daemon/ListeningSocket.swift", "dctrain/Terminal.swift", "dcctl/Terminal.swift",
    ]

    var isAtHome: Bool { Self.homes.contains { file.hasPrefix($0) } }

    private static let names: Set<String> = [
        "_exit", "accept", "access", "alarm", "bind", "chdir", "chmod", "chown", "close",
        "closedir",
        "connect", "creat", "dup", "dup2", "dup3", "execv", "execve", "faccessat", "fchmod",
        "fcntl",
        "fdatasync", "fdopen", "fdopendir", "flock", "fopen", "fork", "fstat", "fstatat", "fstatfs",
        "fstatvfs", "fsync", "ftruncate", "getpid", "getppid", "getuid", "geteuid",
        "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "ioctl", "isatty",
        "kill", "link", "listen", "lseek", "lstat", "memfd_create", "mkdir", "mkdtemp", "mkfifo",
        "mkstemp", "mmap", "mount", "munmap", "open", "openat", "opendir", "pipe", "pipe2", "poll",
        "posix_fadvise", "posix_spawn", "pread", "pwrite", "read", "readdir", "readlink", "readv",
        "realpath", "recv", "recvmsg", "remove", "rename", "renameat", "rmdir", "select", "send",
        "sendfile", "sendmsg", "setsockopt", "shutdown", "sigaction", "signal", "socket",
        "socketpair", "stat", "statfs", "statvfs", "symlink", "sync", "syncfs", "truncate", "umask",
        "unlink", "unlinkat", "utimensat", "wait", "waitpid", "write", "writev",
    ]

    /// Calls that are of no method, and of no function that the module has itself unless they are
    /// marked as unsafe.
    static func all() throws -> [SystemCalls] {
        let files = try SourceImports.files()
        // A closure that is called is a constant or a parameter.
        let declaration = /(?:func|let|var|_) (?<name>\w+)/
        var own: [String: Set<String>] = [:]
        for (module, _, text) in files {
            own[module, default: []].formUnion(
                text.matches(of: declaration).map { String($0.name) })
        }
        let call = /(?<marks>(?:func |unsafe )?)(?<name>[\w.]+)\(/
        var calls: [SystemCalls] = []
        for (module, file, text) in files {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            for (number, line) in lines.enumerated() {
                let code = line[..<(line.firstRange(of: "//")?.lowerBound ?? line.endIndex)]
                for match in code.matches(of: call) where match.marks != "func " {
                    let parts = match.name.split(separator: ".", omittingEmptySubsequences: false)
                    let isQualified =
                        parts.count == 2 && ["Glibc", "Foundation"].contains(parts[0])
                    guard let name = parts.last.map(String.init), names.contains(name) else {
                        continue
                    }
                    let isOwn = own[module]?.contains(name) == true && match.marks.isEmpty
                    if isQualified || parts.count == 1 && !isOwn {
                        calls.append(SystemCalls(file: file, line: number + 1, name: name))
                    }
                }
            }
        }
        return calls
    }
}

/// The import lines below `Sources`.
private enum SourceImports {
    /// Every Swift source.
    static func files() throws -> [(module: String, file: String, text: String)] {
        let sources = SharedData.root + "/Sources"
        var result: [(String, String, String)] = []
        let files = FileManager.default.enumerator(atPath: sources)
        while let file = files?.nextObject() as? String {
            guard file.hasSuffix(".swift") else { continue }
            let text = try String(contentsOfFile: "\(sources)/\(file)", encoding: .utf8)
            result.append((String(file.prefix { $0 != "/" }), file, text))
        }
        guard result.count > 50 else { throw Unexpected("no sources below \(sources)") }
        return result
    }

    static func all() throws -> [(module: String, file: String, imported: String)] {
        let line =
            /^(?:@\w+(?:\(\w+\))? )?(?:\w+ )?import (?:struct |class |enum |func )?(?<name>\w+)/
        return try files().flatMap { module, file, text in
            text.matches(of: line.anchorsMatchLineEndings()).map {
                (module, file, String($0.name))
            }
        }
    }
}
