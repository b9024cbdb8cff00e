import Imaging
import Model
import Pictures
import Synchronization
import Tensors
import Testing
import Training
import TrainingTestSupport

struct LoaderTests {
    @Test(arguments: [1, 2, 7])
    func itemsArriveInOrder(depth: Int) {
        let items = Prefetcher(3..<40, depth: depth) { $0 * $0 }
        var received: [Int] = []
        while let item = items.next() { received.append(item) }
        #expect(received == (3..<40).map { $0 * $0 })
        #expect(items.next() == nil)
    }

    @Test func noMoreIsMadeThanTheDepthAllows() {
        let made = Mutex(0)
        let items = Prefetcher(0..<100, depth: 4) { number in
            made.withLock { $0 += 1 }
            return number
        }
        for taken in 1...20 {
            _ = items.next()
            #expect(made.withLock { $0 } <= taken + 4)
        }
    }

    @Test func anEmptyRangeHasNoItems() {
        #expect(Prefetcher(5..<5, depth: 2) { $0 }.next() == nil)
    }

    private func store(
        _ source: SyntheticPictures, memory: Int = 1 << 20, threads: Int = 2
    ) throws -> PictureStore {
        try PictureStore(source, input: .square(12), memory: memory, threads: threads)
    }

    private func loader(_ store: PictureStore, threads: Int) -> BatchLoader {
        BatchLoader(store, views: CropViews(large: .v2()), seed: 5, threads: threads)
    }

    private func all<Batch>(_ batches: Prefetcher<Batch>) -> [Batch] {
        var result: [Batch] = []
        while let batch = batches.next() { result.append(batch) }
        return result
    }

    @Test func cropsDependOnTheirPlaceAlone() throws {
        let store = try store(SyntheticPictures(count: 20))
        let requests = StepPlan.split(
            (0..<40).map { CropRequest(picture: $0 % 20, slot: $0) }, batch: 8)
        let whole = all(loader(store, threads: 1).crops(requests, epoch: 3))
        #expect(whole == all(loader(store, threads: 4).crops(requests, epoch: 3)))
        #expect(
            Array(whole[2...]) == all(loader(store, threads: 2).crops(requests, from: 2, epoch: 3)))
        #expect(whole != all(loader(store, threads: 1).crops(requests, epoch: 4)))
        #expect(whole[0].large.shape == [8, 12, 12, 3])
        #expect(whole[0].small == nil)
        // The same picture at another place is cropped anew.
        #expect(whole[0].large[row: 0] != whole[2].large[row: 4])
    }

    @Test func smallCropsHaveTheirOwnSizeAndChangeNoLargeOne() throws {
        let store = try store(SyntheticPictures(count: 6))
        let large = (0..<6).map { CropRequest(picture: $0, slot: $0) }
        let small = (0..<6).map { CropRequest(picture: $0, slot: 6 + $0, isSmall: true) }
        var views = CropViews(large: .v2())
        views.small = (.v2(scale: 0.1...0.2), 8)
        let both = BatchLoader(store, views: views, seed: 5, threads: 2)
        let batch = try #require(both.crops([large + small], epoch: 3).next())
        #expect(batch.count == 12)
        #expect(batch.small?.shape == [6, 8, 8, 3])
        #expect(batch.large == loader(store, threads: 1).crops([large], epoch: 3).next()?.large)
    }

    @Test func centerViewsAreNormalizedAndInOrder() throws {
        let store = try store(SyntheticPictures(count: 5))
        let batches = all(loader(store, threads: 2).centerViews(batch: 2))
        #expect(batches.map { $0.shape[0] } == [2, 2, 1])
        let table = store.input.normalizationTable()
        let view = store.centerView(3)
        let row = Array(batches[1][row: 1])
        for (index, value) in row.enumerated() {
            #expect(value == table[index % 3 * 256 + Int(view[index])])
        }
    }

    @Test func theMemoryBudgetChangesNothing() throws {
        let source = SyntheticPictures(count: 12)
        let (kept, decoded) = (try store(source), try store(source, memory: 2000))
        #expect(kept.cachedCount == 12)
        #expect(decoded.cachedCount < 3)
        for index in 0..<12 {
            #expect(kept.centerView(index) == decoded.centerView(index))
            #expect(kept.picture(index) == decoded.picture(index))
        }
    }

    @Test func unreadablePicturesAreCountedAndLeftOut() throws {
        let store = try store(SyntheticPictures(count: 40, broken: [0, 17, 39]))
        #expect(store.count == 37)
        #expect(store.skipped.map(\.path) == ["shape-0", "shape-17", "shape-39"])
        #expect(store.skipped[0].reason == "no picture\tat all")
        #expect(store.labels?.prefix(3) == [1, 2, 3])
    }

    @Test func onlyUnreadablePicturesAreAnError() {
        #expect(throws: PictureError.noReadablePicture(images: "synthetic", tried: 3)) {
            try store(SyntheticPictures(count: 3, broken: [0, 1, 2]))
        }
    }

    @Test func picturesWithoutLabelsHaveNone() throws {
        #expect(try store(SyntheticPictures(count: 3, isLabelled: false)).labels == nil)
    }
}
