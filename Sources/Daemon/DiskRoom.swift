import Catalog
import Logging

extension Logger {
    /// Calls until the index's disk has room again, with longer and longer waits.
    func whenThereIsRoom<Result: Sendable>(
        _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        var wait = Duration.seconds(1)
        while true {
            do {
                return try await body()
            } catch let error as CatalogError {
                guard case .full = error else { throw error }
                if wait == .seconds(1) { self.error("\(error)") }
            }
            try await Task.sleep(for: wait)
            wait = min(wait * 2, .seconds(16))
        }
    }
}
