import Files
import FolderWatch
import Testing

struct EventChannelTests {
    private func removed(_ number: Int) -> WatchEvent { .removed(path: "/r/\(number)") }

    @Test func eventsComeInOrderAndInBatches() async {
        let channel = EventChannel(roots: ["/r"])
        let count = EventChannel.batch + 10
        channel.send((0..<count).map(removed))
        channel.send([])
        let first = await channel.next()
        let second = await channel.next()
        #expect((first ?? []) + (second ?? []) == (0..<count).map(removed))
        #expect(first?.count == EventChannel.batch)
    }

    @Test func whoWaitsIsHandedTheEvents() async {
        let channel = EventChannel(roots: ["/r"])
        async let waited = channel.next()
        channel.send([removed(1)])
        let batch = await waited
        #expect(batch == [removed(1)])
    }

    @Test func tooManyBecomeAComparisonOfEachRoot() async {
        let channel = EventChannel(roots: ["/r", "/s"], limit: 3)
        channel.send([.rootLost(path: "/s"), removed(1)])
        channel.send([removed(2), removed(3)])
        let events = await channel.next()
        #expect(
            events == [
                .rootLost(path: "/s"), .rescan(folder: "/r", reason: .confusion),
                .rescan(folder: "/s", reason: .confusion),
            ])
    }

    @Test func theEndComesAfterWhatWaits() async {
        let channel = EventChannel(roots: [])
        channel.send([removed(1)])
        channel.finish()
        channel.send([removed(2)])
        let last = await channel.next()
        let end = await channel.next()
        #expect(last == [removed(1)] && end == nil)
    }

    @Test func aCancelledTaskGetsNoEvents() async {
        let channel = EventChannel(roots: [])
        let task = Task { await channel.next() }
        task.cancel()
        #expect(await task.value == nil)
        // Another consumer may take over.
        channel.send([removed(1)])
        #expect(await channel.next() == [removed(1)])
    }
}
