/// The format of PyTorch since 1.6: a zip file with a pickle and an entry for each storage.
///
/// Source: `torch/serialization.py` (`_save`) and `caffe2/serialize/inline_container.cc`.
enum ZipArchive {
    static func read(_ file: MappedFile) throws(ExchangeError.Reason) -> TensorArchive {
        let directory = try ZipDirectory(file)
        let pickles = directory.entries.keys.filter { $0.hasSuffix("/data.pkl") }
        guard let name = pickles.first, pickles.count == 1 else {
            throw .unknownContainer("it is a zip file, and not one that torch.save wrote")
        }
        let folder = name.dropLast("data.pkl".count)
        guard directory.entries["\(folder)constants.pkl"] == nil else {
            throw .unknownContainer("it is a TorchScript program")
        }
        if let order = directory.entries["\(folder)byteorder"] {
            guard file.bytes(at: order.lowerBound, count: order.count) == Array("little".utf8)
            else { throw .damaged("it was not written by a little-endian machine") }
        }
        var stream = PickleStream(file, directory.entries[name] ?? 0..<0)
        let pickle = try PickleMachine.run(&stream)
        guard stream.position == stream.end else {
            throw .damaged("\(stream.end - stream.position) bytes follow its pickle")
        }
        let prefix = "\(folder)data/"
        let storages = directory.entries.filter { $0.key.hasPrefix(prefix) }
        let named = storages.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
        return try TensorArchive(
            file, .zip, pickle: pickle, storages: Dictionary(uniqueKeysWithValues: named))
    }
}
