extension Network {
    /// The AlexNet variant of DeepCluster: batch norm after every convolution, no local
    /// response normalization, no groups; it ends at the raw output of `fc7`, `[4096]`.
    ///
    /// For 224×224 pictures.
    ///
    /// Source: Caron et al., ECCV 2018, and its reference code.
    ///
    /// - Parameter sobel: Whether the fixed edge filter comes first.
    /// - Returns: The network without a head; parameters number 58,272,480 with Sobel.
    public static func alexNet(sobel: Bool) -> Network {
        var network = Network(layers: [], feature: "fc7")
        if sobel { network.append("sobel", .sobel) }
        let pool = LayerKind.maxPool(Pooling(kernel: 3, stride: 2))
        network.appendBlock(
            "1", Convolution(outputs: 96, kernel: 11, stride: 4, padding: Padding(2)))
        network.append("pool1", pool)
        network.appendBlock("2", Convolution(outputs: 256, kernel: 5, padding: Padding(2)))
        network.append("pool2", pool)
        network.appendBlock("3", Convolution(outputs: 384, kernel: 3, padding: Padding(1)))
        network.appendBlock("4", Convolution(outputs: 384, kernel: 3, padding: Padding(1)))
        network.appendBlock("5", Convolution(outputs: 256, kernel: 3, padding: Padding(1)))
        network.append("pool5", pool)
        network.append("drop6", .dropout(probability: 0.5))
        network.append("fc6", .linear(outputs: 4096, hasBias: true))
        network.append("relu6", .relu)
        network.append("drop7", .dropout(probability: 0.5))
        network.append("fc7", .linear(outputs: 4096, hasBias: true))
        return network
    }

    /// A small network for pictures of 28 to 96 pixels: four 3×3 convolutions of 32, 64, 128
    /// and 256 filters, each with batch norm and ReLU, halved three times; it ends at the
    /// global average, `[256]`.
    ///
    /// - Parameter sobel: Whether the fixed edge filter comes first.
    /// - Returns: The network without a head.
    public static func smallConvNet(sobel: Bool) -> Network {
        var network = Network(layers: [], feature: "pool")
        if sobel { network.append("sobel", .sobel) }
        for (index, outputs) in [32, 64, 128, 256].enumerated() {
            // Batch norm has a bias of its own, so the convolution needs none.
            network.appendBlock(
                "\(index + 1)",
                Convolution(outputs: outputs, kernel: 3, padding: Padding(1), hasBias: false))
            if index < 3 {
                network.append("pool\(index + 1)", .maxPool(Pooling(kernel: 2, stride: 2)))
            }
        }
        network.append("pool", .globalAveragePool)
        return network
    }

    /// Convolution, batch norm and ReLU, as `conv`, `norm` and `relu` with the given suffix.
    mutating func appendBlock(_ suffix: String, _ convolution: Convolution) {
        append("conv\(suffix)", .convolution(convolution))
        append("norm\(suffix)", .batchNorm(epsilon: 1e-5))
        append("relu\(suffix)", .relu)
    }
}
