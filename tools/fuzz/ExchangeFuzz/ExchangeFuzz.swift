import Exchange

/// Imports the file behind an open descriptor; that it is refused is no finding.
@_cdecl("exchange_fuzz") public func exchangeFuzz(_ descriptor: CInt) {
    _ = try? ImportedNetwork(contentsOf: "/proc/self/fd/\(descriptor)")
}
