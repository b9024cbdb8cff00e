import Files
import FolderWatch
import Testing

struct SettleQueueTests {
    private static let identity = FileIdentity(device: 1, inode: 2, size: 3, modified: 4)

    private func queue(_ files: [(FilePath, Int64)]) -> SettleQueue {
        var queue = SettleQueue()
        for (path, delay) in files {
            queue.schedule(path, after: delay, identity: Self.identity, now: 100)
        }
        return queue
    }

    private func due(_ queue: inout SettleQueue, now: Int64) -> [FilePath] {
        var paths: [FilePath] = []
        while let (path, _) = queue.popDue(now: now) { paths.append(path) }
        return paths
    }

    @Test func filesComeWhenTheirTimeHasCome() {
        var queue = queue([("/c", 30), ("/a", 10), ("/d", 40), ("/b", 20)])
        #expect(queue.nextDeadline == 110)
        #expect(due(&queue, now: 109).isEmpty)
        #expect(due(&queue, now: 130) == ["/a", "/b", "/c"])
        #expect(queue.contains("/d") && !queue.contains("/a"))
        #expect(due(&queue, now: 1000) == ["/d"])
        #expect(queue.nextDeadline == nil)
    }

    @Test func theLastTimeCounts() {
        var queue = queue([("/a", 10), ("/b", 20)])
        queue.schedule("/a", after: 50, identity: nil, now: 105)
        #expect(due(&queue, now: 150) == ["/b"])
        let last = queue.popDue(now: 155)
        #expect(last?.path == "/a" && last?.entry.identity == nil && last?.entry.delay == 50)
    }

    @Test func whatIsCancelledNeverComes() {
        var queue = queue([("/a/1", 10), ("/a/b/2", 10), ("/ab", 10), ("/c", 10)])
        queue.cancelBelow("/a")
        queue.cancel("/c")
        queue.cancel("/none")
        #expect(due(&queue, now: 1000) == ["/ab"])
    }

    @Test func renamesTakeTheTimeAlong() {
        var queue = queue([("/a/1", 10), ("/a/b/2", 20), ("/ab/3", 30), ("/file", 40)])
        queue.rename("/a", to: "/x/y")
        queue.rename("/file", to: "/a")
        #expect(due(&queue, now: 1000) == ["/x/y/1", "/x/y/b/2", "/ab/3", "/a"])
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func manyComeInOrder(seed: UInt64) {
        var random = SystemRandomNumberGenerator()
        let seed = seed &* random.next()
        var state = seed | 1
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var queue = SettleQueue()
        var expected: [FilePath: Int64] = [:]
        for _ in 0..<2000 {
            let path: FilePath = "/\(next(300))"
            if next(4) == 0 {
                queue.cancel(path)
                expected[path] = nil
            } else {
                let delay = Int64(next(1000))
                queue.schedule(path, after: delay, identity: nil, now: 0)
                expected[path] = delay
            }
        }
        var last: Int64 = -1
        while let (path, entry) = queue.popDue(now: 1000) {
            #expect(entry.deadline >= last, "seed \(seed)")
            last = entry.deadline
            #expect(expected.removeValue(forKey: path) == entry.deadline, "seed \(seed)")
        }
        #expect(expected.isEmpty, "seed \(seed)")
    }
}
