import Model

/// A safetensors file of any program, with every element type that networks are kept in.
enum SafetensorsArchive {
    static func read(_ file: MappedFile) throws(ExchangeError.Reason) -> TensorArchive {
        let reader: SafetensorsReader
        do throws(CheckpointError) {
            reader = try SafetensorsReader.open(file.path)
        } catch {
            throw refusal(error.reason)
        }
        var tensors: [String: StoredTensor] = [:]
        for (name, entry) in reader.entries {
            guard let type = ElementType(safetensors: entry.dtype),
                let place = reader.place(of: name)
            else {
                throw .invalidTensor(name: name, reason: "is of the type '\(entry.dtype)'")
            }
            // The file may have been replaced between the two looks at it.
            guard place.upperBound <= file.count else {
                throw .truncated(what: "the tensor '\(name)'", offset: file.count)
            }
            do throws(StoredTensor.Refusal) {
                tensors[name] = try StoredTensor(type: type, shape: entry.shape, filling: place)
            } catch {
                throw .invalidTensor(name: name, reason: error.text)
            }
        }
        guard !tensors.isEmpty else { throw .noTensors }
        return TensorArchive(
            file: file, container: .safetensors, tensors: tensors, metadata: reader.metadata)
    }

    /// The reason in the words of this module: the file need not be one of ours.
    private static func refusal(_ reason: CheckpointError.Reason) -> ExchangeError.Reason {
        switch reason {
        case .system(let call, let number): .system(call: call, number: number)
        case .notSafetensors(let found): .unknownContainer(found)
        case .invalidTensor(let name, let text): .invalidTensor(name: name, reason: text)
        case .wrongSize(let found, let expected):
            .damaged("it has \(found) bytes where its header promises \(expected)")
        case .wrongOffsets(let tensor):
            .damaged("the tensor '\(tensor)' overlaps another or leaves a gap")
        case .invalidMetadata(let field, let text):
            .damaged("'\(field)' in its header cannot be used (\(text))")
        default: .checkpoint(reason)
        }
    }
}
