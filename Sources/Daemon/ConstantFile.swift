import CWorker
import Files
import Glibc
import Model

/// Bytes in memory that look like a file and that nobody can change.
struct ConstantFile: ~Copyable {
    let descriptor: CInt

    init(_ bytes: [UInt8]) throws(DecodeFailure) {
        descriptor = unsafe cw_constant_memory(bytes, bytes.count)
        guard descriptor >= 0 else {
            throw .unavailable(
                reason: "memfd_create: \(SystemCallError.message(-descriptor))")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
