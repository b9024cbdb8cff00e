import Files
import Foundation

extension FilePath {
    /// A path as the database has it.
    init(_ data: Data) { self.init(bytes: [UInt8](data)) }

    /// The path as the database has it.
    var data: Data { Data(bytes) }
}
