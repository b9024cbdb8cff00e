import Glibc
import Synchronization

/// Standard error, where progress and notes go.
enum Terminal {
    /// Whether people read standard error.
    static var isOnStandardError: Bool { isatty(STDERR_FILENO) == 1 }

    /// The number of characters in a line.
    static var columns: Int {
        var size = winsize()
        let known = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0
        return known && size.ws_col > 20 ? Int(size.ws_col) : 80
    }

    /// Writes text to standard error, as far as somebody reads it.
    static func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
            }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}

/// Whether the user wants the program to stop.
///
/// The first SIGINT or SIGTERM asks for a stop at the next step. A second one, or work that comes
/// to no such place in time, such as the iterations of a large k-means, ends the program at once,
/// which loses nothing but the work since the last saved state.
enum StopSignal {
    private static let requested = Atomic<Bool>(false)
    /// The seconds that are left to come to a good place: service managers and schedulers often
    /// kill after ten.
    private static let patience: UInt32 = 8

    /// Whether a signal came.
    static var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// Catches both signals from now on.
    static func watch() {
        // Touched here, so that the handler finds it made.
        requested.store(false, ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { _ in
                StopSignal.requested.store(true, ordering: .relaxed)
                alarm(StopSignal.patience)
            }
            action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
            unsafe sigaction(number, &action, nil)
        }
        // Both calls may be made in a handler.
        signal(SIGALRM) { _ in _exit(130) }
    }
}
