/// The tensors of a file under the names that the network's layers give them.
struct StateDictionary {
    let archive: TensorArchive
    private let tensors: [String: StoredTensor]

    /// The tensors of `archive`, without what wrappers add to their names: `module` for training
    /// on several GPUs, around the network or a part of it, and `_orig_mod` for compiled ones.
    init(_ archive: TensorArchive) throws(ExchangeError.Reason) {
        self.archive = archive
        var tensors: [String: StoredTensor] = [:]
        for (name, tensor) in archive.tensors {
            let parts = name.split(separator: ".").filter { $0 != "module" && $0 != "_orig_mod" }
            let plain = parts.joined(separator: ".")
            guard tensors.updateValue(tensor, forKey: plain) == nil else {
                throw .damaged("two tensors are called '\(plain)'")
            }
        }
        self.tensors = tensors
    }

    subscript(_ name: String) -> StoredTensor? { tensors[name] }

    /// All names, sorted.
    var names: [String] { tensors.keys.sorted() }

    /// Whether all tensors of a head are here.
    func has(_ head: Layout.Head?) -> Bool {
        (head?.layers ?? []).allSatisfy { layer in
            layer.kind.tensors.allSatisfy { tensors["\(layer.source ?? layer.name).\($0)"] != nil }
        }
    }

    /// The network that these are the tensors of.
    func recognize() throws(ExchangeError.Reason) -> Layout {
        let candidates = Layout.known.map { layout in
            (layout: layout, missing: layout.needed.filter { tensors[$0] == nil })
        }
        let complete = candidates.filter(\.missing.isEmpty).map(\.layout)
        guard let layout = complete.max(by: { $0.needed.count < $1.needed.count }) else {
            let nearest = candidates.min {
                Double($0.missing.count) / Double($0.layout.needed.count)
                    < Double($1.missing.count) / Double($1.layout.needed.count)
            }!
            throw .unknownLayout(
                keys: names, nearest: nearest.layout.name, missing: nearest.missing)
        }
        let needed = Set(layout.needed)
        let others = names.filter { !needed.contains($0) && !layout.ignores($0) }
        guard others.isEmpty else {
            throw .unexpectedTensors(layout: layout.name, names: others)
        }
        return layout
    }

    /// Compares the tensors that stand for a layer without tensors with what that layer does.
    func checkConstants(of layout: Layout) throws(ExchangeError.Reason) {
        for (name, expected) in layout.constants.sorted(by: { $0.key < $1.key }) {
            let tensor = tensors[name]
            // float16 and bfloat16 keep a third to two or three digits.
            guard let tensor, tensor.count == expected.count,
                let found = tensor.read(from: archive.file),
                zip(found, expected).allSatisfy({ abs($0 - $1) < 2e-3 })
            else {
                throw .invalidTensor(
                    name: name, reason: "is not the fixed filter of \(layout.name)")
            }
        }
    }
}
