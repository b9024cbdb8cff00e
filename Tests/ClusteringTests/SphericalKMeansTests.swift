import Clustering
import Tensors
import Testing

struct SphericalKMeansTests {
    @Test func assignsByTheLargestDotProduct() {
        // The second centroid is longer: nearer by dot product, farther by distance.
        let points = Tensor<Float>([1, 0], shape: [1, 2])
        let centroids = Tensor<Float>([0.9, 0, 3, 0], shape: [2, 2])
        #expect(KMeans.assign(points, to: centroids, spherical: true).assignments == [1])
        #expect(KMeans.assign(points, to: centroids).assignments == [0])
    }

    @Test func centroidsAreMeanDirections() throws {
        let points = normalizeRows(points(400, 6, groups: 5, distinct: 400, seed: 1))
        let result = try KMeans(clusters: 5, iterations: 10, spherical: true).fit(points)
        #expect(result.objectives == result.objectives.sorted(by: >))
        for cluster in 0..<5 {
            let members = result.assignments.indices.filter { result.assignments[$0] == cluster }
            let sum = members.reduce(into: [Double](repeating: 0, count: 6)) { sum, row in
                for (at, value) in points[row: row].enumerated() { sum[at] += Double(value) }
            }
            let norm = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for (found, expected) in zip(result.centroids[row: cluster], sum) {
                // The run ended by itself, so the centroids belong to the assignment.
                #expect(abs(Double(found) - expected / norm) < 1e-6)
            }
        }
    }

    @Test func anEmptyClusterKeepsItsCentroid() throws {
        let points = Tensor<Float>([1, 0, 0.8, 0.6, 0.8, -0.6], shape: [3, 2])
        let initial = Tensor<Float>([1, 0, -1, 0], shape: [2, 2])
        let result = try KMeans(clusters: 2, iterations: 10, spherical: true).fit(
            points, initial: initial)
        #expect(result.centroids.elements == [1, 0, -1, 0])
        #expect(result.assignments == [0, 0, 0])
        #expect(result.emptyClusters == 1 && result.repairs == 0)
    }

    @Test func oppositeDirectionsKeepTheirCentroid() throws {
        let points = Tensor<Float>([1, 0, -1, 0], shape: [2, 2])
        let result = try KMeans(clusters: 1, spherical: true).fit(
            points, initial: Tensor([0, 1], shape: [1, 2]))
        #expect(result.centroids.elements == [0, 1])
    }
}
