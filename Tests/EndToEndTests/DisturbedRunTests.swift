import Foundation
import Tensors
import TestSupport
import Testing

/// Runs of `dctrain fit` that are killed end with the bytes of a run that nothing disturbed.
@Suite(.serialized)
struct DisturbedRunTests {
    private let home: TemporaryFolder

    init() throws { home = try TemporaryFolder() }

    @Test(arguments: ["v1", "v2"])
    func fiveKillsChangeNothing(recipe: String) async throws {
        let (expected, time) = try await FitRun.undisturbed(recipe)
        let seed = UInt64.random(in: 0...999_999)
        var random = SeededGenerator(seed: seed)
        var (kills, runs) = ([Duration](), 0)
        var run = FitRun(recipe, in: home.path, name: "run 0")
        func told() -> Comment { "seed \(seed), kills after \(kills), then: \(run.said)" }
        while kills.count < 5 {
            let moment = time * Double(random.uniform())
            let program = try run.start()
            try await Task.sleep(for: moment)
            // A run that was quicker has ended, and the kills go on with another.
            if program.isRunning { kill(program.identifier, SIGKILL) }
            let status = await program.ended()
            if status == 128 + SIGKILL {
                kills.append(moment)
                continue
            }
            try #require(status == 0, told())
            #expect(try run.result() == expected, told())
            runs += 1
            try #require(runs < 50, "kills come too late")
            run = FitRun(recipe, in: home.path, name: "run \(runs)")
        }
        try #require(await run.finish() == 0, told())
        #expect(try run.result() == expected, told())
        print("\(recipe), seed \(seed): killed after \(kills)")
    }
}
