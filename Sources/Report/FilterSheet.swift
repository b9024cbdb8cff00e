package import Imaging
package import Tensors

/// Pictures of filters' weights, and tiles put together.
package enum FilterSheet {
    /// The filters of a first layer, each scaled by its largest weight: grey is zero.
    ///
    /// Filters of three channels are shown in colour; of two, as those behind the Sobel edges,
    /// side by side, the horizontal gradient left; of others the mean over the channels.
    ///
    /// - Parameter weights: `[outC, kH, kW, inC]`.
    /// - Returns: A grid of all filters.
    package static func firstLayer(_ weights: Tensor<Float>) -> Picture {
        let (count, height, width) = (weights.shape[0], weights.shape[1], weights.shape[2])
        let channels = weights.shape[3]
        let tiles = (0..<count).map { filter -> Picture in
            // Of a run that has diverged, what is no number is grey.
            let values = Array(weights[row: filter]).map { $0.isFinite ? $0 : 0 }
            let largest = max(values.reduce(0) { max($0, abs($1)) }, .leastNormalMagnitude)
            func grey(_ value: Float) -> UInt8 {
                UInt8(min(max(127.5 + 127.5 * value / largest, 0), 255))
            }
            func value(_ row: Int, _ column: Int, _ channel: Int) -> Float {
                values[(row * width + column) * channels + channel]
            }
            var pixels: [UInt8] = []
            for row in 0..<height {
                switch channels {
                case 3:
                    for column in 0..<width {
                        pixels += (0..<3).map { grey(value(row, column, $0)) }
                    }
                case 2:
                    for channel in 0..<2 {
                        for column in 0..<width {
                            let shade = grey(value(row, column, channel))
                            pixels += [shade, shade, shade]
                        }
                    }
                default:
                    for column in 0..<width {
                        let sum = (0..<channels).reduce(Float(0)) { $0 + value(row, column, $1) }
                        let shade = grey(sum / Float(channels))
                        pixels += [shade, shade, shade]
                    }
                }
            }
            return Picture(width: channels == 2 ? 2 * width : width, height: height, pixels: pixels)
        }
        let columns = channels == 2 ? 8 : 16
        let factor = max(1, 48 / width)
        return grid(
            tiles.map { $0.enlarged(by: factor) }, columns: min(columns, tiles.count), gap: 4)
    }

    /// Tiles of one size in rows, with a light gap between them.
    ///
    /// - Parameters:
    ///   - tiles: One or more.
    ///   - columns: The tiles in a row.
    ///   - gap: Pixels between them and around.
    /// - Returns: The whole.
    package static func grid(_ tiles: [Picture], columns: Int, gap: Int) -> Picture {
        let (tileWidth, tileHeight) = (tiles[0].width, tiles[0].height)
        let rows = (tiles.count + columns - 1) / columns
        let width = columns * (tileWidth + gap) + gap
        let height = rows * (tileHeight + gap) + gap
        var pixels = [UInt8](repeating: 208, count: width * height * 3)
        for (index, tile) in tiles.enumerated() {
            let x = gap + index % columns * (tileWidth + gap)
            let y = gap + index / columns * (tileHeight + gap)
            for row in 0..<tileHeight {
                let from = row * tileWidth * 3
                let to = ((y + row) * width + x) * 3
                pixels.replaceSubrange(
                    to..<to + tileWidth * 3, with: tile.pixels[from..<from + tileWidth * 3])
            }
        }
        return Picture(width: width, height: height, pixels: pixels)
    }
}

extension Picture {
    /// The picture with each pixel repeated, so that filters stay sharp squares.
    func enlarged(by factor: Int) -> Picture {
        guard factor > 1 else { return self }
        var result: [UInt8] = []
        result.reserveCapacity(pixels.count * factor * factor)
        for row in 0..<height {
            var line: [UInt8] = []
            for column in 0..<width {
                let at = (row * width + column) * 3
                for _ in 0..<factor { line += pixels[at..<at + 3] }
            }
            for _ in 0..<factor { result += line }
        }
        return Picture(width: width * factor, height: height * factor, pixels: result)
    }
}
