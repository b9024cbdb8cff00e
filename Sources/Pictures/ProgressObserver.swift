/// A part of the work that takes time.
public enum ProgressPhase: String, Sendable, Codable {
    /// Decoding all pictures once.
    case reading
    /// Measuring how fast this machine is.
    case measuring
    /// Decoding some pictures to calibrate with.
    case sampling
    /// The float network on the pictures to calibrate with.
    case calibrating
    /// Weights become integers.
    case rounding
    /// Biases take back each layer's mean error.
    case correcting
    /// Float and int8 network side by side.
    case comparing
    /// The backbone's features of all pictures.
    case features
    /// Embeddings of all pictures before the first epoch.
    case filling
    /// PCA and k-means.
    case clustering
    /// Training on pseudo-labels.
    case training
    /// The features of all pictures after the last epoch.
    case shipping
}

/// Receives the progress of long work, and may ask it to stop.
public protocol ProgressObserver: AnyObject {
    /// A phase begins.
    ///
    /// - Parameters:
    ///   - phase: What is done.
    ///   - epoch: The epoch it belongs to, from 0, or `nil` outside of epochs.
    ///   - total: How many items it has, such as pictures; 0 where that is unknown.
    ///   - done: How many of them are done already, by the process that was stopped.
    func begin(_ phase: ProgressPhase, epoch: Int?, total: Int, done: Int)
    /// So many items of the phase are done.
    func advance(to done: Int)
    /// The phase is over.
    func end(_ phase: ProgressPhase)
    /// Something the user should know, in one sentence.
    func note(_ message: String)
    /// Whether the work should save its state and stop.
    var shouldStop: Bool { get }
}

/// Work was asked to stop; what was to be kept of it is saved.
public struct Interruption: Error {
    /// An interruption.
    public init() {}
}
