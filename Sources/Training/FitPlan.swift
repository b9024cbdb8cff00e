/// What a run will do, and what that takes.
public struct FitPlan: Sendable {
    /// The settings, of which nothing is open any more.
    public var settings: FitSettings
    /// Why this recipe, in a sentence.
    public var recipeReason: String
    /// The number of files that are no readable picture.
    public var skipped: Int
    /// How many pictures are kept in memory.
    public var cached: Int
    /// How long it will take as measured, in minutes; `nil` where nothing was measured.
    public var expectedMinutes: Double?
    /// How long one epoch will take as measured, in seconds; `nil` where nothing was measured.
    public var secondsPerEpoch: Double?
    /// About how much memory it takes, in bytes.
    public var memory: Int
    /// Whether the run was begun before.
    public var isResumed: Bool
    /// Whether the run is finished, so that nothing is left to do.
    public var isFinished: Bool
}
