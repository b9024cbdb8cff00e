package import LinearAlgebra
package import Tensors

/// What a layer reads of the calibration pictures: the moments of its windows, which decide how
/// its weights are rounded, and a few whole windows, on which the range of its input is judged.
package struct InputSamples {
    package let windows: InputWindows
    /// The moments of each group's windows; none where the windows are too long.
    package private(set) var moments: [MomentSums] = []
    /// Whole windows, `[n, groups, depth]`.
    package private(set) var kept: [Float] = []

    private let perPicture: Int
    private let keepEvery: Int
    private var seen = 0

    /// The longest window whose moments are taken: 4,096 weights make 128 MiB of them.
    static let longestWindow = 4096
    /// How many windows there should be for each weight of a filter.
    private static let windowsPerWeight = 4
    /// How many numbers of whole windows are kept, for `keptWindows` at most.
    private static let keptNumbers = 1 << 20
    private static let keptWindows = 1024

    /// Samples of a layer with the given windows.
    ///
    /// - Parameters:
    ///   - windows: How the layer reads.
    ///   - pictures: How many pictures will come.
    ///   - hasWeights: Whether weights are to be rounded.
    package init(_ windows: InputWindows, pictures: Int, hasWeights: Bool) {
        self.windows = windows
        let measured = hasWeights && windows.depth <= Self.longestWindow
        if measured {
            moments = [MomentSums](
                repeating: MomentSums(width: windows.depth), count: windows.groups)
        }
        let length = windows.groups * windows.depth
        let keep = min(Self.keptWindows, max(8, Self.keptNumbers / length))
        let wanted = max(keep, measured ? Self.windowsPerWeight * windows.depth : 0)
        perPicture = min(windows.positions, max(1, (wanted + pictures - 1) / pictures))
        keepEvery = max(1, perPicture * pictures / keep)
    }

    /// Adds the windows of some pictures, `[n, …]`.
    package mutating func add(_ inputs: Tensor<Float>) {
        let width = inputs.rowSize
        let length = windows.groups * windows.depth
        var rows: [Float] = []
        for picture in 0..<inputs.shape[0] {
            let map = inputs.elements.span.extracting(picture * width..<(picture + 1) * width)
            for place in 0..<perPicture {
                let start = rows.count
                windows.gather(at: position(place), of: map, into: &rows)
                if seen % keepEvery == 0 { kept += rows[start..<start + length] }
                seen += 1
            }
        }
        let count = rows.count / length
        for group in moments.indices {
            moments[group].add(part(group, of: rows, count: count))
        }
    }

    /// Places spread evenly over the map, and shifted from picture to picture.
    private func position(_ place: Int) -> Int {
        let golden = 0.618_033_988_749_895
        let shift = (Double(seen / perPicture) * golden).truncatingRemainder(dividingBy: 1)
        let position = (Double(place) + shift) * Double(windows.positions) / Double(perPicture)
        return min(Int(position), windows.positions - 1)
    }

    /// The windows of one group in rows of all groups, `[count, depth]`.
    func part(_ group: Int, of rows: [Float], count: Int) -> Tensor<Float> {
        let (depth, length) = (windows.depth, windows.groups * windows.depth)
        guard windows.groups > 1 else { return Tensor(rows, shape: [count, depth]) }
        var values: [Float] = []
        values.reserveCapacity(count * depth)
        for row in 0..<count {
            let start = row * length + group * depth
            values += rows[start..<start + depth]
        }
        return Tensor(values, shape: [count, depth])
    }

    /// The number of whole windows.
    package var keptCount: Int { kept.count / (windows.groups * windows.depth) }

    /// Gives the moments up, which take most of the memory.
    mutating func dropMoments() { moments = [] }
}
