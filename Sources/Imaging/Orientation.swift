/// How a stored picture has to be turned to be upright, numbered as in EXIF.
///
/// Source: CIPA DC-008 (EXIF 2.32), tag 0x0112.
package enum Orientation: Int, CaseIterable {
    case upright = 1
    case mirrored, halfTurn, flipped, transposed, quarterTurn, transversed, threeQuarterTurn

    /// Whether width and height change places.
    package var swapsSides: Bool { rawValue >= 5 }

    /// The orientation that an EXIF block tells, upright where it tells none.
    ///
    /// Follows no offset and trusts no count before checking it against the block; a value
    /// that EXIF does not define counts as upright.
    ///
    /// - Parameter exif: The block from its TIFF header on.
    package init(exif: Span<UInt8>) {
        self = Self.tag(0x0112, of: exif).flatMap(Orientation.init(rawValue:)) ?? .upright
    }

    /// The value of a tag of one SHORT or LONG in the first directory of a TIFF block.
    private static func tag(_ tag: Int, of block: Span<UInt8>) -> Int? {
        guard block.count >= 8 else { return nil }
        let isLittleEndian: Bool
        switch (block[0], block[1]) {
        case (0x49, 0x49): isLittleEndian = true
        case (0x4D, 0x4D): isLittleEndian = false
        default: return nil
        }
        func number(at offset: Int, bytes: Int) -> Int? {
            guard offset >= 0, offset <= block.count - bytes else { return nil }
            return (0..<bytes).reduce(0) { value, i in
                value << 8 | Int(block[offset + (isLittleEndian ? bytes - 1 - i : i)])
            }
        }
        guard number(at: 2, bytes: 2) == 42, let directory = number(at: 4, bytes: 4),
            let entries = number(at: directory, bytes: 2)
        else { return nil }
        for entry in 0..<entries {
            let start = directory + 2 + entry * 12
            // Entries beyond the end of a block that was cut short are not there.
            guard let found = number(at: start, bytes: 2) else { return nil }
            guard found == tag else { continue }
            switch (number(at: start + 2, bytes: 2), number(at: start + 4, bytes: 4)) {
            case (3, 1): return number(at: start + 8, bytes: 2)
            case (4, 1): return number(at: start + 8, bytes: 4)
            default: return nil
            }
        }
        return nil
    }
}

extension Picture {
    /// The picture turned upright, given how it is stored.
    package func upright(from orientation: Orientation) -> Picture {
        if orientation == .upright { return self }
        // The result's pixel (x, y) is the source's pixel number origin + x·right + y·down.
        let (last, size) = (width * height - 1, width)
        let (origin, right, down) =
            switch orientation {
            case .upright: (0, 1, size)
            case .mirrored: (size - 1, -1, size)
            case .halfTurn: (last, -1, -size)
            case .flipped: (last + 1 - size, 1, -size)
            case .transposed: (0, size, 1)
            case .quarterTurn: (last + 1 - size, -size, 1)
            case .transversed: (last, -size, -1)
            case .threeQuarterTurn: (size - 1, size, -1)
            }
        let swaps = orientation.swapsSides
        let (columns, rows) = swaps ? (height, width) : (width, height)
        return unsafe Picture(width: columns, height: rows) { target in
            unsafe pixels.withUnsafeBufferPointer { source in
                var next = 0
                for y in 0..<rows {
                    var from = (origin + y * down) * 3
                    for _ in 0..<columns {
                        unsafe target[next] = source[from]
                        unsafe target[next + 1] = source[from + 1]
                        unsafe target[next + 2] = source[from + 2]
                        next += 3
                        from += right * 3
                    }
                }
            }
        }
    }
}
