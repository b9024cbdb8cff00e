import FloatNetworks
private import Foundation
private import Tensors
import Vocabulary

extension FitSettings {
    /// Throws `VocabularyError` where a setting cannot work, `FloatNetworkError` where the network does
    /// not fit its input.
    public func validate() throws {
        guard pictures >= 2 else {
            throw VocabularyError.tooFewPictures(found: pictures, needed: 2)
        }
        guard pictures >= clusters else {
            throw VocabularyError.fewerPicturesThanClusters(
                pictures: pictures, clusters: clusters)
        }
        try check("--clusters", clusters, in: 2...1_000_000)
        try check("--epochs", epochs, in: 0...100_000)
        try check("--batch", batch, in: 2...65_536)
        try check("--threads", threads, in: 1...1024)
        if let network { try check("--size", size, in: network.smallestSize...1024) }
        try check("--learning-rate", learningRate, in: 1e-9...100)
        try check("--momentum", momentum, in: 0...0.9999)
        try check("--weight-decay", weightDecay, in: 0...1)
        try check("--whiten", whiten, in: -1...0)
        try check("--crop-scale", cropScale, in: 0.01...1)
        switch recipe {
        case .v1: try validateV1()
        case .v2: try validateV2()
        }
    }

    private func validateV1() throws(VocabularyError) {
        try check("--reassign", reassign, in: 0.01...1000)
        guard Int(reassign * Double(pictures)) >= 2 else {
            throw .invalidSetting(
                name: "--reassign", value: "\(reassign)",
                remedy: "that is less than two of \(pictures) pictures, give more")
        }
        guard smallCrops == nil else { throw unused("--small-crops", by: .v1) }
    }

    private func validateV2() throws {
        guard reassign == 1 else { throw unused("--reassign", by: .v2) }
        guard sampler == .uniform else { throw unused("--sampler", by: .v2) }
        guard clustering == .kmeans else { throw unused("--clustering", by: .v2) }
        for set in prototypes { try check("--prototypes", set, in: 2...pictures) }
        try check("the number of prototype sets", prototypes.count, in: 1...64)
        try check("--temperature", temperature, in: 0.001...100)
        try check("--warm-up", warmUp, in: 0...1)
        try check("--jitter", jitter, in: 0...2)
        try check("--grayscale", grayscale, in: 0...1)
        try check("--blur", blur, in: 0...1)
        if let smallCrops { try validate(smallCrops) }
    }

    private func validate(_ crops: SmallCrops) throws {
        try check("--small-crops", crops.count, in: 1...64)
        try check("--small-size", crops.size, in: 8...max(8, size))
        try check("--small-scale", crops.most, in: 0.01...1)
        try check("--small-scale", crops.least, in: 0.01...crops.most)
        let (large, small) = (
            try FloatNetwork.shapes(of: backbone, inputShape),
            try FloatNetwork.shapes(of: backbone, [crops.size, crops.size, 3])
        )
        let (first, second) = (
            FloatNetwork.specifications(of: backbone, shapes: large),
            FloatNetwork.specifications(of: backbone, shapes: small)
        )
        for (tensor, other) in zip(first, second) where tensor.shape != other.shape {
            throw VocabularyError.invalidSetting(
                name: "--small-crops", value: "\(crops.count)",
                remedy: "'\(tensor.name)' takes pictures of \(size) pixels alone; use a network "
                    + "that ends in a global average, such as small or resnet18")
        }
    }

    private func unused(_ option: String, by recipe: Recipe) -> VocabularyError {
        .invalidSetting(
            name: option, value: "with \(recipe)",
            remedy: "leave it out or give --recipe \(recipe == .v1 ? Recipe.v2 : .v1)")
    }
}

extension FitRequest {
    /// Throws where what is needed before the settings are known cannot work.
    func validate() throws(VocabularyError) {
        if let threads { try check("--threads", threads, in: 1...1024) }
        if let size { try check("--size", size, in: 8...1024) }
        // A run's own files would count as pictures when it goes on.
        let (pictures, folder) = (Self.resolved(images), Self.resolved(run))
        guard !(folder + "/").hasPrefix(pictures + "/") else {
            throw .invalidSetting(
                name: "--run", value: "'\(run)'",
                remedy: "it is in the folder of pictures '\(images)', give another place")
        }
    }

    private static func resolved(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
}

private func check<Value: Comparable>(
    _ name: String, _ value: Value, in range: ClosedRange<Value>
) throws(VocabularyError) {
    guard range.contains(value) else {
        throw .invalidSetting(
            name: name, value: "\(value)",
            remedy: "give \(range.lowerBound) to \(range.upperBound)")
    }
}

// MARK: - Comparing

extension FitSettings {
    /// The settings by name, as `config.json` has them.
    private var named: [(name: String, value: String)] {
        Mirror(reflecting: self).children.map { child in
            let value = Mirror(reflecting: child.value)
            guard value.displayStyle == .optional else {
                return (child.label ?? "", "\(child.value)")
            }
            return (child.label ?? "", value.children.first.map { "\($0.value)" } ?? "none")
        }
    }

    /// What differs from the settings a run was begun with, apart from the thread count and
    /// the CPU, with which a run may go on: `clusters 100, not 50`.
    func differences(from begun: FitSettings) -> [String] {
        zip(named, begun.named).compactMap { now, before in
            let mayChange = ["threads", "processor"].contains(now.name)
            return mayChange || now.value == before.value
                ? nil : "\(now.name) \(before.value), not \(now.value)"
        }
    }
}
