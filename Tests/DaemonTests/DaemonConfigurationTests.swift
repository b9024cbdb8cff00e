import Daemon
import Foundation
import TestSupport
import Testing

struct DaemonConfigurationTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Reads a configuration with the given text.
    private func read(
        _ text: String, _ environment: [String: String] = ["XDG_RUNTIME_DIR": "/run/user/7"]
    ) throws -> DaemonConfiguration {
        let file = try folder.write(Array(text.utf8), to: "dcd.yaml")
        return try DaemonConfiguration(contentsOf: file, environment: environment)
    }

    /// The error that a configuration is refused with.
    private func refusal(
        _ text: String, _ environment: [String: String] = ["XDG_RUNTIME_DIR": "/run/user/7"]
    ) throws -> DaemonError {
        try #require(throws: DaemonError.self) { try read(text, environment) }
    }

    private var file: String { folder.path + "/dcd.yaml" }

    // MARK: - Good ones

    @Test func everySettingIsRead() throws {
        let configuration = try read(
            """
            model: /m/model.safetensors
            index: /i/index.sqlite
            socket: /s/dcd.sock
            threads: 3
            watch:
              - path: /pictures
                exclude: ["*.tmp", thumbs]
              - path: /other/
            """)
        #expect(
            configuration
                == DaemonConfiguration(
                    model: "/m/model.safetensors", index: "/i/index.sqlite",
                    socket: "/s/dcd.sock", threads: 3,
                    watch: [
                        .init(path: "/pictures", exclude: ["*.tmp", "thumbs"]),
                        .init(path: "/other"),
                    ]))
    }

    @Test func theEnvironmentComesFirst() throws {
        let configuration = try read(
            "model: /m\nindex: /i\nsocket: /s\nthreads: 3",
            [
                "DCD_MODEL": "/m2", "DCD_INDEX": "/i2", "DCD_SOCKET": "/s2", "DCD_THREADS": "5",
            ])
        #expect(configuration.model == "/m2")
        #expect(configuration.index == "/i2")
        #expect(configuration.socket == "/s2")
        #expect(configuration.threads == 5)
    }

    @Test func anEmptyVariableIsNotSet() throws {
        #expect(
            try read("model: /m\nindex: /i\nsocket: /s", ["DCD_MODEL": ""]).model == "/m")
    }

    @Test func relativePathsAreOfTheFilesFolder() throws {
        let configuration = try read(
            "model: m.safetensors\nindex: ../i\nsocket: ~/s\nwatch: [{path: ./p/q/..}]",
            ["HOME": "/home/me"])
        #expect(configuration.model == folder.path + "/m.safetensors")
        #expect(
            configuration.index == URL(filePath: folder.path).deletingLastPathComponent().path
                + "/i")
        #expect(configuration.socket == "/home/me/s")
        #expect(configuration.watch.map(\.path) == [folder.path + "/p"])
    }

    @Test func theUsersPlacesAreUsual() throws {
        let configuration = try read(
            "model: /m", ["HOME": "/home/me", "XDG_RUNTIME_DIR": "/run/user/7"])
        #expect(configuration.index == "/home/me/.local/state/dcd/index.sqlite")
        #expect(configuration.socket == "/run/user/7/dcd/dcd.sock")
        #expect(configuration.threads >= 1)
        #expect(configuration.watch.isEmpty)
    }

    @Test func systemdsPlacesComeBeforeTheUsers() throws {
        let configuration = try read(
            "model: /m",
            [
                "HOME": "/home/me", "XDG_RUNTIME_DIR": "/run/user/7",
                "STATE_DIRECTORY": "/var/lib/dcd:/var/lib/more", "RUNTIME_DIRECTORY": "/run/dcd",
            ])
        #expect(configuration.index == "/var/lib/dcd/index.sqlite")
        #expect(configuration.socket == "/run/dcd/dcd.sock")
    }

    @Test func theUsersFileIsFound() throws {
        let places = ["XDG_CONFIG_HOME": folder.path + "/none", "DCD_MODEL": "/m"]
        #expect(
            throws: DaemonError.noConfiguration(tried: [
                folder.path + "/none/dcd/dcd.yaml", "/etc/dcd/dcd.yaml",
            ])
        ) { try DaemonConfiguration(contentsOf: nil, environment: places) }
    }

    // MARK: - Bad ones

    @Test(arguments: [
        ("modle: /m", "modle", 1),
        ("model: /m\nwatch:\n  - path: /p\n    excludes: []", "excludes", 4),
        ("model: /m\nthreads: 2\n3: 4", "3", 3),
    ])
    func unknownKeysAreNamed(text: String, key: String, line: Int) throws {
        guard case .unknownKey(file, line, key, _) = try refusal(text) else {
            Issue.record("\(try refusal(text))")
            return
        }
    }

    @Test(arguments: ["0", "-1", "1025", "two", "1.5"])
    func threadsAreANumber(threads: String) throws {
        let error = try refusal("model: /m\nindex: /i\nthreads: \(threads)")
        #expect(
            error
                == .invalidSetting(
                    source: file, key: "threads", found: threads,
                    expected: "a number from 1 to 1024"))
    }

    @Test func theVariableIsNamed() throws {
        let error = try refusal("model: /m\nindex: /i\nsocket: /s", ["DCD_THREADS": "many"])
        #expect(error.description.hasPrefix("$DCD_THREADS: 'threads' is 'many'"))
    }

    @Test(arguments: [
        "- a\n- b", "model: [a]", "model: {a: b}", "watch: /p", "watch: [/p]", "watch: [{}]",
        "watch: [{path: /p, exclude: x}]", "watch: [{path: /p, exclude: [{a: b}]}]", "model: ''",
    ])
    func otherShapesAreRefused(text: String) throws {
        guard case .invalidSetting = try refusal(text) else {
            Issue.record("\(try refusal(text))")
            return
        }
    }

    @Test(arguments: ["model: [", "a: b: c", "model: /a\nmodel: /b", "\tx"])
    func otherTextIsRefused(text: String) throws {
        guard case .invalidYAML(file, _) = try refusal(text) else {
            Issue.record("\(try refusal(text))")
            return
        }
    }

    @Test func theModelMustBeNamed() throws {
        #expect(
            try refusal("threads: 2")
                == .missingSetting(file: file, key: "model", variable: "DCD_MODEL"))
    }

    @Test func placesMustBeKnown() throws {
        #expect(
            try refusal("model: /m\nindex: /i", [:])
                == .noDefault(key: "socket", variable: "DCD_SOCKET"))
        #expect(
            try refusal("model: /m\nsocket: /s", [:])
                == .noDefault(key: "index", variable: "DCD_INDEX"))
    }

    @Test(arguments: [("/a", "/a/b"), ("/a", "/a"), ("/", "/b")])
    func nestedFoldersAreRefused(outer: String, inner: String) throws {
        let error = try refusal("model: /m\nindex: /i\nwatch: [{path: \(inner)}, {path: \(outer)}]")
        #expect(error == .nestedFolders(file: file, outer: outer, inner: inner))
    }

    @Test func likeNamesAreNotNested() throws {
        let configuration = try read(
            "model: /m\nindex: /i\nwatch: [{path: /ab}, {path: /a}, {path: /abc}]")
        #expect(configuration.watch.count == 3)
    }

    @Test func aMissingFileIsNamed() throws {
        let error = try #require(throws: DaemonError.self) {
            try DaemonConfiguration(contentsOf: folder.path + "/none", environment: [:])
        }
        #expect(
            error
                == .unreadableConfiguration(
                    file: folder.path + "/none", reason: "there is no such file"))
    }

    @Test func aFolderIsNoFile() throws {
        #expect(throws: DaemonError.self) {
            try DaemonConfiguration(contentsOf: folder.path, environment: [:])
        }
    }

    @Test func everySentenceIsOneLineWithARemedy() throws {
        for error in [
            try refusal("modle: 1"), try refusal("threads: 2"), try refusal("model: ["),
            try refusal("model: /m\nindex: /i\nwatch: [{path: /a}, {path: /a/b}]"),
        ] {
            #expect(!error.description.contains("\n"))
            #expect(error.description.contains(": "))
        }
    }
}
