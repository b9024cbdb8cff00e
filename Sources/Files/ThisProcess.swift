import Glibc

/// The process that this program runs in.
public enum ThisProcess {
    /// Its number.
    public static var id: Int32 { getpid() }

    /// Writes a line to standard error, as far as somebody reads it.
    public static func complain(_ sentence: String) {
        let bytes = Array("\(sentence)\n".utf8)
        _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
    }

    /// Makes writing to a socket or pipe that nobody reads an error instead of the end.
    public static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Ends the process at once, without anything that is done at an end.
    public static func abandon() -> Never {
        _exit(EXIT_FAILURE)
    }
}
