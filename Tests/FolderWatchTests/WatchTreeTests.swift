import Files
import FolderWatch
import Testing

struct WatchTreeTests {
    /// /r (1) with a (2), a/b (3) and c (4), and /s (5).
    private static func tree() -> WatchTree {
        var tree = WatchTree()
        func put(_ watch: Int32, _ parent: Int32?, _ name: String, root: Int = 0) {
            tree.put(watch, parent: parent, name: Array(name.utf8), root: root, generation: 0)
        }
        put(1, nil, "/r")
        put(2, 1, "a")
        put(3, 2, "b")
        put(4, 1, "c")
        put(5, nil, "/s", root: 1)
        return tree
    }

    private func name(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func everyFolderHasItsPath() {
        let tree = Self.tree()
        #expect(tree.path(of: 1) == "/r" && tree.path(of: 3) == "/r/a/b")
        #expect(tree.child(of: 1, named: name("a")) == 2)
        #expect(tree.child(of: 1, named: name("b")) == nil)
        #expect(tree.rootNode(0) == 1 && tree.rootNode(1) == 5 && tree.rootNode(2) == nil)
        #expect(tree.count == 5)
    }

    @Test func aRenamedFolderTakesAllAlong() {
        var tree = Self.tree()
        tree.move(2, to: 4, name: name("d"))
        #expect(tree.path(of: 3) == "/r/c/d/b")
        #expect(tree.child(of: 1, named: name("a")) == nil)
        tree.move(4, to: 5, name: name("e"))
        #expect(tree.path(of: 3) == "/s/e/d/b")
        #expect([2, 3, 4].allSatisfy { tree.nodes[$0]?.root == 1 })
    }

    @Test func aFolderNeverLiesInItself() {
        var tree = Self.tree()
        tree.move(2, to: 3, name: name("x"))
        #expect(tree.path(of: 3) == "/r/a/b")
        tree.put(2, parent: 3, name: name("x"), root: 0, generation: 1)
        #expect(tree.path(of: 2) == "/r/a" && tree.nodes[2]?.generation == 1)
    }

    @Test func whatIsFoundElsewhereIsPutThere() {
        var tree = Self.tree()
        tree.put(3, parent: 1, name: name("b2"), root: 0, generation: 2)
        #expect(tree.path(of: 3) == "/r/b2")
        #expect(tree.child(of: 2, named: name("b")) == nil)
    }

    @Test func removingTakesAllBelow() {
        var tree = Self.tree()
        let gone = tree.remove(2)
        #expect(Set(gone) == [2, 3])
        #expect(tree.count == 3 && !tree.contains(3))
        #expect(tree.child(of: 1, named: name("a")) == nil)
        let again = tree.remove(2)
        #expect(again.isEmpty)
    }

    // The kernel may give the number of a folder's watch to another that took its name.
    @Test func anOldParentDoesNotLoseItsNewChild() {
        var tree = Self.tree()
        tree.put(6, parent: 1, name: name("a"), root: 0, generation: 0)
        #expect(tree.child(of: 1, named: name("a")) == 6)
        let gone = tree.remove(2)
        #expect(Set(gone) == [2, 3])
        #expect(tree.child(of: 1, named: name("a")) == 6)
    }
}
