// swift-tools-version: 6.2

import PackageDescription

// A package of its own, as tools/bench is: the program that shows the first steps of a run.
let package = Package(
    name: "trainer",
    products: [.executable(name: "first-steps", targets: ["FirstSteps"])],
    dependencies: [
        .package(name: "deepcluster", path: "../../.."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "FirstSteps",
            dependencies: [
                .product(name: "DeepCluster", package: "deepcluster"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ])
    ]
)
