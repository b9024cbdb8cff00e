// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that the main one needs nothing for measuring. `run` builds it.
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let library = Target.Dependency.product(name: "DeepCluster", package: "deepcluster")

let package = Package(
    name: "bench",
    products: [
        .executable(name: "cluster-bench", targets: ["ClusterBench"]),
        .executable(name: "engine-bench", targets: ["EngineBench"]),
        .executable(name: "load-bench", targets: ["LoadBench"]),
        .executable(name: "train-bench", targets: ["TrainBench"]),
    ],
    dependencies: [
        .package(name: "deepcluster", path: "../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .target(name: "CLimits"),
        .target(name: "Answers"),
        .executableTarget(
            name: "EngineBench",
            dependencies: ["CLimits", "Answers", library, argumentParser]),
        .executableTarget(
            name: "ClusterBench", dependencies: ["Answers", library, argumentParser]),
        .executableTarget(name: "LoadBench", dependencies: ["Answers", library, argumentParser]),
        .executableTarget(name: "TrainBench", dependencies: ["Answers", library, argumentParser]),
    ]
)

for target in package.targets {
    if target.name == "CLimits" {
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
