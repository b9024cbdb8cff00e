public import Imaging
public import Model
private import Tensors

/// The pictures a run may use, decoded on demand.
public protocol PictureSource: Sendable {
    /// Where the pictures are, for messages.
    var place: String { get }
    /// The number of pictures, readable or not.
    var count: Int { get }
    /// The SHA-256 of the list of pictures, in hexadecimal digits.
    var digest: String { get }
    /// The path of a picture, for messages.
    func path(of index: Int) -> String
    /// The number of a picture's label where its folder names one; never used in training.
    func label(of index: Int) -> Int?
    /// Decodes a picture; called on several threads at once.
    ///
    /// - Parameters:
    ///   - index: Its number, from 0.
    ///   - input: The input that it is decoded for, which may allow a reduced size.
    /// - Returns: The picture, upright.
    /// - Throws: An error whose description tells why it cannot be read.
    func picture(at index: Int, for input: InputSpecification) throws -> Picture
}

/// The pictures of a folder or of a list of paths, or a random part of them.
public struct ListedPictures: PictureSource {
    /// The folder or text file that was given.
    public let place: String
    private let list: PictureList
    private let chosen: [Int]

    /// The pictures at `place`.
    ///
    /// - Parameters:
    ///   - place: A folder, or a text file with one path a line.
    ///   - limit: At most how many pictures, drawn at random where there are more; they stay in
    ///     the list's order.
    ///   - seed: The seed of that draw.
    /// - Throws: `ImagingError` where there is no list or an empty one.
    public init(at place: String, limit: Int? = nil, seed: UInt64 = 0) throws {
        self.place = place
        list = try PictureList(at: place)
        let all = list.entries.indices
        if let limit, limit < all.count {
            var random = RandomStream.selection.generator(seed: seed)
            chosen = random.permutation(all.count).prefix(limit).sorted()
        } else {
            chosen = Array(all)
        }
    }

    /// The number of pictures, readable or not.
    public var count: Int { chosen.count }

    /// The SHA-256 of the whole list, also where only a part of it is used.
    public var digest: String { list.digest }

    /// The path below the folder, or as the text file has it.
    public func path(of index: Int) -> String { list.entries[chosen[index]].display }

    /// The number of the first sub-folder, where there is one.
    public func label(of index: Int) -> Int? { list.entries[chosen[index]].label }

    /// Decodes a picture as the daemon does.
    ///
    /// - Parameters:
    ///   - index: Its number, from 0.
    ///   - input: The input that it is decoded for.
    /// - Returns: The picture, upright.
    /// - Throws: `ImagingError` with the reason.
    public func picture(at index: Int, for input: InputSpecification) throws -> Picture {
        try Picture(
            contentsOf: list.entries[chosen[index]].path, decode: input.decode,
            target: input.shortSide)
    }
}
