import Files
import FolderWatch
import Testing

struct RenamePairingTests {
    private func departure(_ path: FilePath, isFolder: Bool = false) -> RenamePairing.Departure {
        RenamePairing.Departure(path: path, isFolder: isFolder, watch: isFolder ? 7 : nil)
    }

    @Test func theSecondHalfFindsTheFirst() {
        var renames = RenamePairing()
        renames.depart(departure("/a"), cookie: 1, now: 0)
        renames.depart(departure("/b", isFolder: true), cookie: 2, now: 0)
        let arrived = [2, 2, 3, 1].map { renames.arrive(cookie: $0) }
        #expect(arrived == [departure("/b", isFolder: true), nil, nil, departure("/a")])
        #expect(renames.nextDeadline == nil)
    }

    @Test func whatDoesNotArriveInTimeIsGone() throws {
        var renames = RenamePairing()
        renames.depart(departure("/a"), cookie: 1, now: 1000)
        renames.depart(departure("/b"), cookie: 2, now: 2000)
        let first = try #require(renames.nextDeadline)
        #expect(first > 1000)
        let gone = [first - 1, first, first + 1000].map { renames.takeOverdue(now: $0) }
        #expect(gone == [[], [departure("/a")], [departure("/b")]])
        let late = renames.arrive(cookie: 1)
        #expect(late == nil)
        #expect(renames.nextDeadline == nil)
    }
}

struct OverflowBackOffTests {
    private static let second: Int64 = 1_000_000_000

    @Test func threeAreAnsweredAtOnce() {
        var overflows = OverflowBackOff()
        for number in 1...3 {
            let now = Int64(number) * Self.second
            overflows.note(now: now)
            #expect(overflows.deadline == now)
            let (isDue, isDueAgain) = (overflows.isDue(now: now), overflows.isDue(now: now))
            #expect(isDue && !isDueAgain)
        }
        #expect(overflows.count == 3 && overflows.deadline == nil)
    }

    @Test func moreWaitLongerAndLonger() throws {
        var overflows = OverflowBackOff()
        var now: Int64 = 0
        var waits: [Int64] = []
        for _ in 1...14 {
            now += Self.second
            overflows.note(now: now)
            let deadline = try #require(overflows.deadline)
            waits.append((deadline - now) / 1_000_000)
            now = deadline
            let isDue = overflows.isDue(now: now)
            #expect(isDue)
        }
        #expect(
            waits == [0, 0, 0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000, 10000])
    }

    @Test func oneThatIsPlannedCoversTheNext() {
        var overflows = OverflowBackOff()
        overflows.note(now: 5)
        overflows.note(now: 6)
        #expect(overflows.deadline == 5 && overflows.count == 2)
    }

    @Test func aQuietMinuteForgivesAll() {
        var overflows = OverflowBackOff()
        for number in 0..<6 {
            overflows.note(now: Int64(number))
            _ = overflows.isDue(now: .max)
        }
        overflows.note(now: 100 * Self.second)
        #expect(overflows.deadline == 100 * Self.second)
    }
}
