import Foundation

/// JSON with its members in order, which may be wrong in every way that JSON can be written.
indirect enum JSONTree {
    case object([(name: String, value: JSONTree)])
    case array([JSONTree])
    /// A number, a word or a string, as it is written.
    case scalar(String)
    /// A string that holds JSON in its turn, as the metadata of a safetensors file does.
    case quoted(JSONTree)

    /// The tree of a text; strings that begin with a brace are read on.
    init(_ text: [UInt8]) throws {
        self = Self.tree(
            try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed))
    }

    private static func tree(_ value: Any) -> JSONTree {
        switch value {
        case let object as [String: Any]:
            .object(object.sorted { $0.key < $1.key }.map { ($0.key, tree($0.value)) })
        case let array as [Any]: .array(array.map(tree))
        case let text as String:
            if text.hasPrefix("{"), let inner = try? JSONTree(Array(text.utf8)) {
                .quoted(inner)
            } else {
                .scalar(quote(text))
            }
        default:
            .scalar(
                (try? JSONSerialization.data(withJSONObject: value, options: .fragmentsAllowed))
                    .map { String(decoding: $0, as: UTF8.self) } ?? "null")
        }
    }

    /// A string as JSON writes it.
    static func quote(_ text: String) -> String {
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): quoted += [UInt8(ascii: "\\"), byte]
            case 0..<32: quoted += Array(String(format: "\\u%04x", byte).utf8)
            default: quoted.append(byte)
            }
        }
        return String(decoding: quoted + [UInt8(ascii: "\"")], as: UTF8.self)
    }

    /// The tree as text.
    var text: String {
        switch self {
        case .object(let members):
            "{\(members.map { "\(Self.quote($0.name)):\($0.value.text)" }.joined(separator: ","))}"
        case .array(let elements): "[\(elements.map(\.text).joined(separator: ","))]"
        case .scalar(let text): text
        case .quoted(let inner): Self.quote(inner.text)
        }
    }

    /// The value at a path of names and indices; setting one that is not there adds it, setting
    /// `nil` takes it away.
    subscript(path: String...) -> JSONTree? {
        get { path.reduce(self) { $0?.child($1) } }
        set { set(path[...], newValue) }
    }

    private func child(_ name: String) -> JSONTree? {
        switch self {
        case .object(let members): members.first { $0.name == name }?.value
        case .array(let elements): Int(name).map { elements[$0] }
        case .quoted(let inner): inner.child(name)
        case .scalar: nil
        }
    }

    mutating func set(_ path: ArraySlice<String>, _ value: JSONTree?) {
        guard let name = path.first else { return self = value ?? .scalar("null") }
        let rest = path.dropFirst()
        switch self {
        case .object(var members):
            let index = members.firstIndex { $0.name == name }
            if rest.isEmpty, value == nil {
                members.removeAll { $0.name == name }
            } else if let index {
                members[index].value.set(rest, value)
            } else if let value {
                members.append((name, value))
            }
            self = .object(members)
        case .array(var elements):
            guard let index = Int(name) else { return }
            if rest.isEmpty, value == nil {
                elements.remove(at: index)
            } else {
                elements[index].set(rest, value)
            }
            self = .array(elements)
        case .quoted(var inner):
            inner.set(path, value)
            self = .quoted(inner)
        case .scalar: return
        }
    }

    /// Writes the member or element at `path` a second time, beside itself.
    mutating func `repeat`(_ path: ArraySlice<String>) {
        guard let name = path.first else { return }
        switch self {
        case .object(var members):
            guard let index = members.firstIndex(where: { $0.name == name }) else { return }
            if path.count == 1 {
                members.insert(members[index], at: index)
            } else {
                members[index].value.repeat(path.dropFirst())
            }
            self = .object(members)
        case .array(var elements):
            guard let index = Int(name) else { return }
            if path.count == 1 {
                elements.insert(elements[index], at: index)
            } else {
                elements[index].repeat(path.dropFirst())
            }
            self = .array(elements)
        case .quoted(var inner):
            inner.repeat(path)
            self = .quoted(inner)
        case .scalar: return
        }
    }

    /// The path of every member and element, from the outermost in.
    var paths: [[String]] {
        if case .quoted(let inner) = self { return inner.paths }
        let children: [(String, JSONTree)] =
            switch self {
            case .object(let members): members.map { ($0.name, $0.value) }
            case .array(let elements): elements.enumerated().map { ("\($0)", $1) }
            case .quoted, .scalar: []
            }
        return children.flatMap { name, child in
            [[name]] + child.paths.map { [name] + $0 }
        }
    }
}

extension JSONTree: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    init(stringLiteral text: String) { self = .scalar(Self.quote(text)) }
    init(integerLiteral number: Int) { self = .scalar("\(number)") }
}
