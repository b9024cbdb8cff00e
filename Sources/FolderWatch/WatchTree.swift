package import Files

/// The folders that have a watch, as a tree: a renamed folder takes what is below it along
/// without a change there.
package struct WatchTree {
    package struct Node {
        package var parent: Int32?
        package var name: [UInt8]  // the whole path of a watched folder's root
        package var root: Int
        package var children: [[UInt8]: Int32] = [:]
        package var generation: Int
    }

    package private(set) var nodes: [Int32: Node] = [:]

    /// A tree without folders.
    package init() {}

    package var count: Int { nodes.count }

    package func contains(_ watch: Int32) -> Bool { nodes[watch] != nil }

    /// The path of a folder.
    package func path(of watch: Int32) -> FilePath {
        var names: [[UInt8]] = []
        var next: Int32? = watch
        while let current = next, let node = nodes[current] {
            names.append(node.name)
            next = node.parent
        }
        let root = FilePath(bytes: names.removeLast())
        return names.reversed().reduce(root) { $0.appending($1) }
    }

    package func child(of watch: Int32, named name: [UInt8]) -> Int32? {
        nodes[watch]?.children[name]
    }

    /// The node of a root, if it is watched.
    package func rootNode(_ root: Int) -> Int32? {
        nodes.first { $0.value.root == root && $0.value.parent == nil }?.key
    }

    /// Adds a folder, or puts it where it was found now.
    package mutating func put(
        _ watch: Int32, parent: Int32?, name: [UInt8], root: Int, generation: Int
    ) {
        if let node = nodes[watch] {
            if let parent { attach(watch, to: parent, name: name, root: root, former: node) }
            nodes[watch]?.generation = generation
            return
        }
        nodes[watch] = Node(parent: parent, name: name, root: root, generation: generation)
        if let parent { nodes[parent]?.children[name] = watch }
    }

    /// Follows a renamed folder.
    package mutating func move(_ watch: Int32, to parent: Int32, name: [UInt8]) {
        guard let node = nodes[watch], let root = nodes[parent]?.root else { return }
        attach(watch, to: parent, name: name, root: root, former: node)
    }

    private mutating func attach(
        _ watch: Int32, to parent: Int32, name: [UInt8], root: Int, former: Node
    ) {
        guard former.parent != parent || former.name != name else { return }
        // A tree cannot contain itself; the kernel refuses such a rename, stale news do not.
        guard !subtree(of: watch).contains(parent) else { return }
        detach(watch, former)
        nodes[watch]?.parent = parent
        nodes[watch]?.name = name
        nodes[parent]?.children[name] = watch
        if former.root != root {
            for below in subtree(of: watch) { nodes[below]?.root = root }
        }
    }

    private mutating func detach(_ watch: Int32, _ node: Node) {
        guard let parent = node.parent, nodes[parent]?.children[node.name] == watch else { return }
        nodes[parent]?.children[node.name] = nil
    }

    /// Forgets a folder and all below it, and returns their watches.
    package mutating func remove(_ watch: Int32) -> [Int32] {
        guard let node = nodes[watch] else { return [] }
        detach(watch, node)
        let gone = subtree(of: watch)
        for below in gone { nodes[below] = nil }
        return gone
    }

    /// The folder and all below it.
    package func subtree(of watch: Int32) -> [Int32] {
        var found: [Int32] = []
        var stack = [watch]
        while let next = stack.popLast() {
            guard let node = nodes[next] else { continue }
            found.append(next)
            stack += node.children.values
        }
        return found
    }
}
