/// Features that were kept are not those of these pictures by this model.
public struct ForeignFeatures: Error, Equatable, Sendable {
    /// Where they were kept.
    public let path: String
    /// What does not fit.
    public let reason: String
}

extension ForeignFeatures: CustomStringConvertible {
    /// One sentence: what is wrong and what to do about it.
    public var description: String {
        "the features in '\(path)' do not fit: \(reason); write them anew with 'dctrain embed'"
    }
}
