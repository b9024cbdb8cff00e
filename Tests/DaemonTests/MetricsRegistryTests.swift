import Daemon
import Metrics
import Testing

struct MetricsRegistryTests {
    @Test func writesPrometheusText() {
        let registry = MetricsRegistry()
        Counter(label: "b_total", dimensions: [("path", "a\"\\\n")], factory: registry)
            .increment(by: 2)
        Counter(label: "b_total", dimensions: [("path", "x")], factory: registry).increment()
        Meter(label: "a", factory: registry).set(1.5)
        Timer(label: "c_seconds", factory: registry).recordNanoseconds(500_000_000)
        Timer(label: "c_seconds", factory: registry).recordNanoseconds(1_000_000_000)
        #expect(
            registry.text() == #"""
                # TYPE a gauge
                a 1.5
                # TYPE b_total counter
                b_total{path="a\"\\\n"} 2
                b_total{path="x"} 1
                # TYPE c_seconds summary
                c_seconds_sum 1.5
                c_seconds_count 2

                """#)
    }
}
