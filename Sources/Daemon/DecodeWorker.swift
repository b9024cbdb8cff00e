import CWorker
import Files
import Glibc
import Imaging
import Model

/// What a decode worker does: `dcd`, started again by itself with the argument `decode-worker`.
///
/// A worker gets open pictures through its control socket, descriptor 3, and writes the view that
/// the network wants into memory that the daemon made. It needs no path, no network and no
/// file that it could write. It ends when the socket closes.
package enum DecodeWorker {
    /// The most address space: what 200 megapixels, the largest file and its coefficients take.
    private static let addressSpace = 4 << 30

    /// Serves until the daemon lets go, and returns the exit code.
    package static func run() -> Int32 {
        guard cw_confine(addressSpace) == 0,
            let session = WorkerSession(control: CInt(CW_CONTROL_DESCRIPTOR))
        else {
            print("dcd starts its decode workers itself; they serve nobody else")
            return 64
        }
        return session.serve()
    }
}

/// A worker's side of the conversation.
@safe private struct WorkerSession {
    let control: CInt
    let input: InputSpecification
    /// Room for exactly the view, `[height, width, 3]`, shared with the daemon.
    let pixels: UnsafeMutableRawBufferPointer

    /// Reads the setup and says that the worker is ready; `nil` where no daemon speaks.
    init?(control: CInt) {
        var setup = cw_setup()
        var memory: CInt = -1
        let size = MemoryLayout<cw_setup>.size
        guard unsafe cw_receive(control, &setup, size, &memory) == size, memory >= 0 else {
            return nil
        }
        defer { close(memory) }
        guard setup.version == CW_VERSION else { return nil }
        let count = Int(setup.width) * Int(setup.height) * 3
        let protection = PROT_READ | PROT_WRITE
        guard let base = unsafe mmap(nil, count, protection, MAP_SHARED, memory, 0),
            unsafe base != MAP_FAILED
        else { return nil }
        self.control = control
        input = InputSpecification(
            width: Int(setup.width), height: Int(setup.height),
            shortSide: Int(setup.short_side), decode: setup.is_dct != 0 ? .dct : .full)
        unsafe pixels = UnsafeMutableRawBufferPointer(start: base, count: count)
        var ready = cw_answer()
        ready.outcome = CW_READY.rawValue
        guard unsafe cw_send(control, &ready, MemoryLayout<cw_answer>.size, -1) == 0 else {
            return nil
        }
    }

    /// Answers requests until the socket closes.
    func serve() -> Int32 {
        let size = MemoryLayout<cw_request>.size
        while true {
            var request = cw_request()
            var picture: CInt = -1
            let received = unsafe cw_receive(control, &request, size, &picture)
            if received == 0 { return 0 }
            guard received == size, picture >= 0 else { return 1 }
            var answer = answer(to: OpenFile(adopting: picture, path: "the file"))
            answer.number = request.number
            let sent = unsafe cw_send(control, &answer, MemoryLayout<cw_answer>.size, -1)
            if sent != 0 { return sent == -EPIPE ? 0 : 1 }
        }
    }

    private func answer(to picture: OpenFile) -> cw_answer {
        var answer = cw_answer()
        do throws(ImagingError) {
            let bytes = try PictureFile.read(picture)
            let decoded = try DecodedPicture(
                decoding: bytes, decode: input.decode, target: input.shortSide)
            let view = decoded.picture.centerView(for: input)
            unsafe pixels.copyBytes(from: view.pixels)
            answer.outcome = CW_DECODED.rawValue
            answer.width = UInt32(decoded.originalWidth)
            answer.height = UInt32(decoded.originalHeight)
            answer.bytes = UInt64(view.pixels.count)
        } catch {
            answer.outcome = CW_REFUSED.rawValue
            answer.setReason(error.description)
        }
        return answer
    }
}

extension cw_answer {
    /// Keeps as much of a sentence as there is room for.
    fileprivate mutating func setReason(_ text: String) {
        unsafe withUnsafeMutableBytes(of: &reason) { buffer in
            // The last byte stays zero.
            unsafe buffer.copyBytes(from: text.utf8.prefix(Int(CW_REASON) - 1))
        }
    }

    /// The sentence, with nothing in it that a terminal or a log would act on.
    var reasonText: String {
        unsafe withUnsafeBytes(of: reason) { buffer in
            let text = unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
            return String(
                String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 }))
        }
    }
}
