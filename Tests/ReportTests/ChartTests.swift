import Foundation
import Report
import Testing

struct ChartTests {
    @Test func ticksAreRound() {
        #expect(Ticks.within(0...1) == [0, 0.5, 1])
        for tick in Ticks.within(2.3...3.6) {
            #expect(abs(tick * 10 - (tick * 10).rounded()) < 1e-9)
        }
        #expect(Ticks.within(5...5) == [5])
        #expect(Ticks.within(1...33, count: 6).allSatisfy { $0 == $0.rounded() })
        #expect(Ticks.labels([0, 2500, 5000]) == ["0", "2,500", "5,000"])
        #expect(Ticks.labels([2.8, 3, 3.2]) == ["2.8", "3.0", "3.2"])
        #expect(Ticks.labels([0]) == ["0"] && Ticks.labels([]).isEmpty)
        let large = Ticks.within(0...12_000)
        #expect((3...7).contains(large.count))
    }

    @Test func aCurveTellsItsValues() throws {
        let chart = LineChart(
            title: "Loss & <more>",
            series: [.init(name: "loss", points: [(1, 3.5), (2, 2.25), (3, .nan)])])
        let text = try #require(chart.markup).text
        #expect(text.contains("Loss &amp; &lt;more&gt;"))
        #expect(text.contains("epoch 2: loss 2.25"))
        #expect(text.contains("aria-label=\"Loss &amp; &lt;more&gt;: loss 3.50 to 2.25\""))
        // What is no number is left out.
        #expect(!text.contains("nan"))
        #expect(!text.contains("inf"))
    }

    @Test(arguments: [
        [], [LineChart.Series(name: "none", points: [])],
        [LineChart.Series(name: "no number", points: [(1, .nan), (2, .infinity)])],
    ])
    func nothingIsDrawnOfNothing(series: [LineChart.Series]) {
        #expect(LineChart(title: "empty", series: series).markup == nil)
    }

    @Test func oneEpochIsDrawn() throws {
        let chart = LineChart(title: "one", series: [.init(name: "loss", points: [(1, 2)])])
        let text = try #require(chart.markup).text
        #expect(text.contains("<circle"))
        #expect(!text.contains("nan"))
    }

    @Test func barsStandForValues() throws {
        let chart = BarChart(
            title: "probe", groups: ["conv1", "conv2"],
            series: [("before", [40, nil]), ("after", [50, 60])], format: { "\($0)" })
        let text = try #require(chart.markup).text
        #expect(text.components(separatedBy: "<rect").count == 4)
        #expect(text.contains("conv1: before 40.0, after 50.0; conv2: after 60.0"))
        let empty = BarChart(title: "none", groups: [], series: [], format: { "\($0)" })
        #expect(empty.markup == nil)
    }
}
