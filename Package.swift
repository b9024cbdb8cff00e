// swift-tools-version: 6.2

import PackageDescription

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let real = Target.Dependency.product(name: "RealModule", package: "swift-numerics")
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "deepcluster",
    products: [
        .executable(name: "dctrain", targets: ["dctrain"]),
        .executable(name: "dcd", targets: ["dcd"]),
        .executable(name: "dcctl", targets: ["dcctl"]),
        // What tools/bench, a package of its own, measures.
        .library(
            name: "DeepCluster",
            targets: [
                "Tensors", "Model", "LinearAlgebra", "Clustering", "FloatNetworks", "Pictures",
                "Vocabulary", "Training", "Inference", "Quantization",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System libraries and C.
        .systemLibrary(
            name: "CSystemd", pkgConfig: "libsystemd",
            providers: [.apt(["libsystemd-dev"])]),
        .target(
            name: "CImageCodecs",
            linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png")]),
        .target(name: "COpenBLAS"),
        .target(name: "CResampling"),
        .target(name: "CFloatLoops"),
        .target(name: "CKernels"),
        .target(name: "CWorker"),

        // The library, in the order of its layers.
        .target(name: "Tensors", dependencies: [real]),
        .target(name: "Files"),
        .target(name: "Model", dependencies: ["Files", "Tensors", crypto]),
        .target(
            name: "Imaging",
            dependencies: ["Files", "Model", "Tensors", "CImageCodecs", "CResampling"]),
        .target(
            name: "LinearAlgebra", dependencies: ["Tensors", "CFloatLoops", "COpenBLAS"]),
        .target(name: "Clustering", dependencies: ["LinearAlgebra", "Tensors"]),
        .target(
            name: "FloatNetworks",
            dependencies: ["LinearAlgebra", "Model", "Tensors", "CFloatLoops", real]),
        .target(name: "Pictures", dependencies: ["Files", "Imaging", "Model", "Tensors"]),
        .target(name: "Vocabulary", dependencies: ["Clustering", "Model", "Tensors"]),
        .target(
            name: "Training",
            dependencies: [
                "FloatNetworks", "Pictures", "Vocabulary", "Clustering", "Files", "Imaging",
                "LinearAlgebra", "Model", "Tensors", real,
            ]),
        .target(
            name: "Exchange",
            dependencies: [
                "Files", "Model", "Tensors",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Export/onnx.proto"]),
        .target(name: "Kernels", dependencies: ["CKernels"]),
        .target(name: "Inference", dependencies: ["Kernels", "Model", "Tensors"]),
        .target(
            name: "Evaluation",
            dependencies: [
                "Inference", "FloatNetworks", "Pictures", "Clustering", "Files", "Imaging",
                "LinearAlgebra", "Model", "Tensors",
            ]),
        .target(
            name: "Report",
            dependencies: [
                "Evaluation", "FloatNetworks", "Pictures", "Clustering", "Files", "Imaging",
                "LinearAlgebra", "Model", "Tensors",
            ]),
        .target(
            name: "Quantization",
            dependencies: [
                "Inference", "FloatNetworks", "Pictures", "LinearAlgebra", "Model", "Tensors",
            ]),
        .target(
            name: "FrozenClustering",
            dependencies: [
                "Quantization", "Inference", "FloatNetworks", "Pictures", "Vocabulary",
                "Clustering", "Files", "Imaging", "LinearAlgebra", "Model", "Tensors",
            ]),
        .target(
            name: "Catalog",
            dependencies: [
                "Files", "Kernels", .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .target(name: "FolderWatch", dependencies: ["Files"]),
        .target(name: "API", dependencies: ["Files"]),
        .target(
            name: "Client",
            dependencies: [
                "API", "Files",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .target(
            name: "Daemon",
            dependencies: [
                "API", "Catalog", "Files", "FolderWatch", "Imaging", "Inference", "Model",
                "Tensors", "CSystemd", "CWorker",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ]),

        // The programs.
        .executableTarget(
            name: "dctrain",
            dependencies: [
                "Evaluation", "Exchange", "FrozenClustering", "Quantization", "Report", "Training",
                "FloatNetworks", "Pictures", "Files", "Imaging", "Inference", "LinearAlgebra",
                "Model", "Tensors", argumentParser,
            ]),
        .executableTarget(name: "dcd", dependencies: ["Daemon", argumentParser]),
        .executableTarget(
            name: "dcctl", dependencies: ["API", "Client", "Files", argumentParser]),

        // Tests.
        .target(name: "TestSupport", dependencies: ["Tensors"], path: "Tests/TestSupport"),
        .target(
            name: "TrainingTestSupport",
            dependencies: ["Training", "Pictures", "Imaging", "Model"],
            path: "Tests/TrainingTestSupport"),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors"]),
        .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
        .testTarget(name: "ModelTests", dependencies: ["Files", "Model", "TestSupport"]),
        .testTarget(
            name: "ImagingTests",
            dependencies: ["Files", "Imaging", "Model", "Tensors", "TestSupport"],
            resources: [.copy("Fixtures")]),
        .testTarget(name: "LinearAlgebraTests", dependencies: ["LinearAlgebra", "Tensors"]),
        .testTarget(
            name: "ClusteringTests",
            dependencies: ["Clustering", "LinearAlgebra", "Tensors", "TestSupport"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "FloatNetworksTests",
            dependencies: ["FloatNetworks", "LinearAlgebra", "Model", "Tensors", "TestSupport"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "PicturesTests",
            dependencies: [
                "Pictures", "Imaging", "Model", "Tensors", "TestSupport", "TrainingTestSupport",
            ]),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Training", "FloatNetworks", "Pictures", "Vocabulary", "Clustering", "Files",
                "Imaging", "Model", "Tensors", "TestSupport", "TrainingTestSupport",
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "Evaluation", "Quantization", "FloatNetworks", "Pictures", "Clustering", "Model",
                "Tensors", "TestSupport",
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "ReportTests",
            dependencies: [
                "Report", "Evaluation", "Training", "FloatNetworks", "Pictures", "Files",
                "Imaging", "Model", "Tensors", "TestSupport",
            ]),
        .testTarget(
            name: "QuantizationTests",
            dependencies: [
                "Quantization", "FloatNetworks", "Inference", "Files", "LinearAlgebra", "Model",
                "Tensors", "TestSupport",
            ]),
        .testTarget(
            name: "FrozenClusteringTests",
            dependencies: [
                "FrozenClustering", "Quantization", "Inference", "FloatNetworks", "Pictures",
                "Vocabulary", "Clustering", "Imaging", "Model", "Tensors", "TestSupport",
                "TrainingTestSupport",
            ]),
        .testTarget(
            name: "ExchangeTests",
            dependencies: [
                "Exchange", "Quantization", "Inference", "FloatNetworks", "Files", "Model",
                "Tensors", "TestSupport",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "Tensors", "TestSupport"]),
        .testTarget(
            name: "InferenceTests",
            dependencies: ["Inference", "Kernels", "Model", "Tensors", "TestSupport"]),
        .testTarget(
            name: "CatalogTests",
            dependencies: [
                "Catalog", "Files", "Tensors", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "FolderWatchTests", dependencies: ["FolderWatch", "Files", "TestSupport"]),
        .testTarget(name: "APITests", dependencies: ["API", "Files"]),
        .testTarget(name: "ClientTests", dependencies: ["Client", "API", "Files", "TestSupport"]),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "Daemon", "API", "Catalog", "Client", "Files", "FolderWatch", "Imaging", "Model",
                "Tensors", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .testTarget(name: "EndToEndTests", dependencies: ["TestSupport"]),
    ]
)

// One set of rules for all: Swift 6, memory safety spelled out, no warnings.
for target in package.targets where target.type != .system {
    let isC = [
        "CImageCodecs", "COpenBLAS", "CResampling", "CFloatLoops", "CKernels", "CWorker",
    ].contains(target.name)
    if isC {
        target.cSettings = [
            .treatAllWarnings(as: .error), .enableWarning("all"), .enableWarning("extra"),
        ]
    } else {
        target.swiftSettings = [
            .swiftLanguageMode(.v6),
            .strictMemorySafety(),
            .treatAllWarnings(as: .error),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
        ]
    }
}
