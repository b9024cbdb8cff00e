public import Pictures

/// Receives the progress of a run, and may ask it to stop.
public protocol FitObserver: ProgressObserver {
    /// An epoch is over.
    func finished(_ epoch: EpochMetrics)
}
