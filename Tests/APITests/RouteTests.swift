import API
import Testing

struct RouteTests {
    @Test func fillsInTheId() {
        #expect(Route.imageNeighbours.path(id: 42) == "/v1/images/42/neighbours")
        #expect(Route.status.path(id: 42) == "/v1/status")
    }

    @Test func noTwoAreTheSame() {
        #expect(Set(Route.allCases.map { $0.method + $0.template }).count == Route.allCases.count)
    }
}
