import Clustering
import Evaluation
import FloatNetworks
import Model
import Pictures
import Tensors

/// What a model makes of many pictures, in one pass over them.
struct PictureSurvey {
    /// The pictures.
    let source: SampledPictures
    /// The numbers, in the source, of those that could be read.
    private(set) var readable: [Int] = []
    /// The number of those that could not.
    private(set) var skipped = 0
    /// The cluster of each readable picture.
    private(set) var clusters: [Int] = []
    /// The cosine between its embedding and the cluster's centroid.
    private(set) var cosines: [Float] = []
    /// How strongly each filter of the chosen layers answers: the mean over its map.
    private(set) var responses: [LayerResponses] = []

    /// Looks at pictures.
    ///
    /// - Parameters:
    ///   - source: The pictures.
    ///   - model: A float model with clusters.
    ///   - layers: The layers whose filters are watched.
    ///   - threads: How many threads share the work.
    ///   - progress: Told how many pictures are done; may throw to stop.
    /// - Throws: `FloatNetworkError` or `PictureError` where the model cannot be run or no picture can be read.
    init(
        of source: SampledPictures, by model: NetworkWeights, watching layers: ProbedLayers,
        threads: Int, progress: (Int) throws -> Void
    ) throws {
        self.source = source
        var graph = model.network
        let (embedding, hasClusters) = graph.embedding
        let output = graph.output
        for layer in layers.layers {
            graph.layers.append(
                Layer(Self.mean(layer), .globalAveragePool, inputs: [layer.layer]))
            responses.append(LayerResponses(title: layer.title))
        }
        let network = try model.runnable(graph, threads: threads)
        let centroids = model.tensors["\(output).weight"].map { normalizeRows($0) }
        let wanted = Set(layers.layers.map(Self.mean)).union([embedding, output])
        let batches = CenterViewBatch.all(
            of: source, for: model.input, size: 64, threads: threads)
        while let batch = batches.next() {
            skipped += batch.skipped.count
            if !batch.pictures.isEmpty {
                let views = model.input.batch(of: batch.pixels.span, count: batch.pictures.count)
                let found = network.evaluate(views, capturing: wanted).captured
                readable += batch.pictures
                for (index, layer) in layers.layers.enumerated() {
                    responses[index].append(found[Self.mean(layer)]!)
                }
                if hasClusters, let centroids {
                    note(found[embedding]!, distances: found[output]!, centroids)
                }
            }
            try progress(readable.count + skipped)
        }
        guard !readable.isEmpty else {
            throw PictureError.noReadablePicture(images: source.place, tried: source.count)
        }
    }

    private static func mean(_ layer: ProbedLayers.Probed) -> String { "\(layer.layer) mean" }

    private mutating func note(
        _ embeddings: Tensor<Float>, distances: Tensor<Float>, _ centroids: Tensor<Float>
    ) {
        let embeddings = normalizeRows(
            embeddings.reshaped(to: [embeddings.shape[0], embeddings.rowSize]))
        for (row, cluster) in distances.leastColumns.enumerated() {
            clusters.append(cluster)
            cosines.append(
                zip(embeddings[row: row], centroids[row: cluster]).reduce(0) { $0 + $1.0 * $1.1 })
        }
    }
}

/// How strongly the filters of a layer answer to each picture.
struct LayerResponses {
    /// The layer's name for people.
    let title: String
    /// The number of filters.
    private(set) var filters = 0
    /// `[pictures, filters]`.
    private var values: [Float] = []

    init(title: String) { self.title = title }

    mutating func append(_ means: Tensor<Float>) {
        filters = means.rowSize
        values += means.elements
    }

    /// The rows with the largest answers of a filter, largest first.
    private func strongest(_ filter: Int, count: Int) -> [Int] {
        let answers = stride(from: filter, to: values.count, by: max(1, filters))
            .map { values[$0] }
        let order = answers.indices.filter { answers[$0] > 0 }
            .sorted { (answers[$1], $0) < (answers[$0], $1) }
        return Array(order.prefix(count))
    }

    /// Filters worth looking at, each with the rows that it answers to most, and how many
    /// filters never answer.
    ///
    /// Those come first that answer to few pictures far more than to the rest, but for those
    /// whose pictures are mostly the same as of one before: they wait till the end.
    ///
    /// - Parameters:
    ///   - count: At most how many filters, one or more.
    ///   - pictures: The rows of each.
    /// - Returns: The filters with their rows, and the number of silent ones.
    func mostTelling(
        _ count: Int, pictures: Int = 9
    ) -> (filters: [(filter: Int, rows: [Int])], silent: Int) {
        var (ratios, silent): ([(filter: Int, ratio: Float)], Int) = ([], 0)
        for filter in 0..<filters {
            let answers = stride(from: filter, to: values.count, by: filters).map { values[$0] }
            let mean = answers.reduce(0, +) / Float(max(1, answers.count))
            guard mean > 0 else {
                silent += 1
                continue
            }
            let top = answers.sorted(by: >).prefix(pictures)
            ratios.append((filter, top.reduce(0, +) / Float(top.count) / mean))
        }
        ratios.sort { ($1.ratio, $0.filter) < ($0.ratio, $1.filter) }
        var chosen: [(filter: Int, rows: [Int])] = []
        var waiting = chosen
        for (filter, _) in ratios where chosen.count < count {
            let rows = strongest(filter, count: pictures)
            let isKnown = chosen.contains { Set($0.rows).intersection(rows).count > pictures / 3 }
            if isKnown { waiting.append((filter, rows)) } else { chosen.append((filter, rows)) }
        }
        return (Array((chosen + waiting).prefix(count)), silent)
    }
}

/// One cluster as far as the survey's pictures show it.
struct SurveyedCluster {
    let id: Int
    /// Its pictures, by their place in the survey, the most typical first.
    let members: [Int]
    /// The mean cosine between them and the centroid.
    let coherence: Double

    /// All clusters that hold pictures.
    static func all(in survey: PictureSurvey) -> [SurveyedCluster] {
        Dictionary(grouping: survey.clusters.indices) { survey.clusters[$0] }
            .map { id, members in
                let cosines = survey.cosines
                return SurveyedCluster(
                    id: id,
                    members: members.sorted { (cosines[$1], $0) < (cosines[$0], $1) },
                    coherence: members.reduce(0.0) { $0 + Double(cosines[$1]) }
                        / Double(members.count))
            }
            .sorted { $0.id < $1.id }
    }
}
