import Foundation
import Model
import TestSupport
import Testing

/// Files that are no safetensors container, or one that does not hold together.
struct MalformedFileTests {
    let reading: CheckpointReading
    init() throws { reading = try CheckpointReading() }

    @Test(arguments: [smallCheckpoint(), smallInt8Checkpoint()])
    func everyTruncationIsRefused(checkpoint: Checkpoint) throws {
        let file = try CheckpointFile(checkpoint)
        let bytes = file.bytes
        let start = bytes.count - file.data.count
        let lengths = Set(
            Array(0..<24) + Array(start - 24...start + 24) + Array(bytes.count - 24..<bytes.count)
                + Array(stride(from: 0, to: bytes.count, by: 64)))
        for length in lengths.sorted() {
            let reason = try reading.refusal(Array(bytes.prefix(length)), "\(length) bytes")
            if length >= start {
                #expect(reason == .wrongSize(found: length, expected: bytes.count))
            } else if case .notSafetensors = reason {
            } else {
                Issue.record("\(length) bytes: \(String(describing: reason))")
            }
        }
        #expect(
            try reading.refusal(bytes + [0])
                == .wrongSize(found: bytes.count + 1, expected: bytes.count))
    }

    @Test(arguments: [0, 1, 16 << 20 + 1, 1 << 32, Int.max, -1, Int.min])
    func lengthsThatLie(length: Int) throws {
        var bytes = try CheckpointFile(smallCheckpoint()).bytes
        for i in 0..<8 { bytes[i] = UInt8(truncatingIfNeeded: length >> (8 * i)) }
        let unsigned = UInt64(bitPattern: Int64(length))
        #expect(
            try reading.refusal(bytes)
                == .notSafetensors("its header would have \(unsigned) bytes, not 2 to 16777216"))
    }

    // A length within the limit that reaches beyond the end, or into the data, or falls short.
    @Test func lengthsThatMiss() throws {
        let file = try CheckpointFile(smallCheckpoint())
        let header = Array(file.header.text.utf8)
        for (length, sentence) in [
            (file.bytes.count, "its header of \(file.bytes.count) bytes reaches beyond its end"),
            (header.count - 1, "its header is not JSON"),
        ] {
            var bytes = file.bytes
            for i in 0..<8 { bytes[i] = UInt8(truncatingIfNeeded: length >> (8 * i)) }
            #expect(try reading.refusal(bytes) == .notSafetensors(sentence))
        }
        var bytes = file.bytes
        bytes[8 + header.count] = UInt8(ascii: "}")
        bytes[0] &+= 1
        #expect(
            try reading.refusal(bytes)
                == .invalidMetadata(field: "header", reason: "it goes on after its end"))
    }

    @Test(arguments: [
        "[1, 2, 3]", "not JSON at all", "\"text\"", "{", "{\"a\":", "{]}", "{\"a\" 1}", "{{}}",
        "{'a':1}", "{}{}", "{\"a\":1,}", "{\"a\":nan}", "  {}", "{\"a\\", "{\"a\\ud800\":1}",
    ])
    func headersThatAreNoJSON(header: String) throws {
        let reason = try reading.refusal(
            CheckpointFile.bytes(header: Array(header.utf8)), header)
        switch reason {
        case .notSafetensors, .invalidMetadata: break
        default: Issue.record("\(header): \(String(describing: reason))")
        }
    }

    @Test(
        arguments: [
            (Array("{\"".utf8) + [0xC3, 0x28] + Array("\":1}".utf8), "it is not UTF-8"),
            (Array("{\"".utf8) + [0xED, 0xA0, 0x80] + Array("\":1}".utf8), "it is not UTF-8"),
            (Array("{}".utf8) + [0xFF], "it is not UTF-8"),
            (
                Array("{\"\(String(repeating: "k", count: 600))\":1}".utf8),
                "a name has 602 characters"
            ),
        ] as [([UInt8], String)])
    func headersThatAreNoText(header: [UInt8], sentence: String) throws {
        #expect(
            try reading.refusal(CheckpointFile.bytes(header: header))
                == .invalidMetadata(field: "header", reason: sentence))
    }

    @Test(arguments: [
        ("{\"a\":" + String(repeating: "[", count: 100_000), "a.0.0.0.0.0.0.0", "nested more"),
        (String(repeating: "{\"a\":", count: 100_000), "a.a.a.a.a.a.a.a", "nested more"),
        (
            "{\"a\":[\(String(repeating: "1,", count: 300_000))1]}", "header",
            "more than 262144 values"
        ),
        ("{\"a\":\(String(repeating: "1", count: 100_000))}", "a", "100000 characters"),
        ("{\"a\":{\"b\":1,\"b\":2}}", "a.b", "there twice"),
        ("{\"a\":[1,2.5]}", "a.1", "2.5 is no whole number"),
        ("{\"a\":[1,18446744073709551616]}", "a.1", "18446744073709551616 is no whole number"),
        ("{} {}", "header", "it goes on after its end"),
        ("{}\u{0}", "header", "it goes on after its end"),
        ("{\"a\":1,\"\\u0061\":2}", "a", "there twice"),
        ("{\"a\":[{},{\"b\":{}},{\"b\":{},\"b\":{}}]}", "a.2.b", "there twice"),
    ])
    func headersThatWouldCostMoreThanTheySay(
        header: String, field: String, sentence: String
    ) throws {
        let reason = try reading.refusal(CheckpointFile.bytes(header: Array(header.utf8)))
        guard case .invalidMetadata(field, let said) = reason else {
            Issue.record("\(String(describing: reason))")
            return
        }
        #expect(said.contains(sentence))
    }

    @Test(arguments: [
        #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{"__metadata__":{},"a":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]}}"#,
    ])
    func filesOfOtherPrograms(header: String) throws {
        let bytes = CheckpointFile.bytes(header: Array(header.utf8), data: [0, 0, 0, 0])
        #expect(try reading.refusal(bytes) == .foreign)
    }

    // Names hold what they like, but a terminal is shown one line of it.
    @Test func namesAreShownWithoutTheirControlCharacters() throws {
        let name = "a\u{1B}[2J\r\n\u{202E}b"
        let header =
            "{\(JSONTree.quote(name)):{\"dtype\":\"F8\",\"shape\":[],\"data_offsets\":[0,0]}}"
        let bytes = CheckpointFile.bytes(header: Array(header.utf8))
        #expect(
            try reading.refusal(bytes)
                == .invalidTensor(tensor: name, reason: "is of the unknown type 'F8'"))
        let error = CheckpointError("f", .missingTensor(name))
        #expect(error.description.contains("'a\u{FFFD}[2J\u{FFFD}\u{FFFD}\u{FFFD}b'"))
    }

    @Test func whatIsNoFileIsRefused() throws {
        let missing = reading.folder.path("nowhere")
        #expect(throws: CheckpointError(missing, .system(call: "open", number: ENOENT))) {
            try Checkpoint(contentsOf: missing)
        }
        for path in [reading.folder.path, try reading.folder.makePipe("pipe")] {
            #expect(
                throws: CheckpointError(path, .notSafetensors("it is not a regular file"))
            ) { try Checkpoint(contentsOf: path) }
        }
    }
}
