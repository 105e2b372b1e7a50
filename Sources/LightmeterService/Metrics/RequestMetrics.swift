internal import Synchronization

/// Counts and durations of requests by route, as Prometheus reads them.
final class RequestMetrics: Sendable {
  struct Key: Hashable, Sendable, Comparable {
    var method: String
    var route: String

    static func < (a: Key, b: Key) -> Bool { (a.route, a.method) < (b.route, b.method) }
    var labels: String { "method=\"\(method)\",route=\"\(MetricsText.escaped(route))\"" }
  }

  private struct Histogram {
    var counts = [Int](repeating: 0, count: RequestMetrics.bounds.count + 1)
    var sum = 0.0
    var statuses: [Int: Int] = [:]
  }

  private struct State {
    var routes: [Key: Histogram] = [:]
    var fallbacks: [String: Int] = [:]
  }

  /// Upper bounds of the histogram, seconds.
  static let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

  private let state = Mutex(State())
  private let running = Atomic<Int>(0)

  /// Requests that are being answered.
  var inFlight: Int { running.load(ordering: .relaxed) }

  /// Takes a request in; false where there are `limit` already.
  func enter(limit: Int) -> Bool {
    if running.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
    running.wrappingSubtract(1, ordering: .relaxed)
    return false
  }

  func leave() { running.wrappingSubtract(1, ordering: .relaxed) }

  func record(_ key: Key, status: Int, seconds: Double) {
    let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
    state.withLock { state in
      state.routes[key, default: Histogram()].counts[bucket] += 1
      state.routes[key, default: Histogram()].sum += seconds
      state.routes[key, default: Histogram()].statuses[status, default: 0] += 1
    }
  }

  func countFallback(_ kind: String) { state.withLock { $0.fallbacks[kind, default: 0] += 1 } }

  func write(to text: inout MetricsText) {
    let state = state.withLock { $0 }
    let routes = state.routes.sorted { $0.key < $1.key }
    text.family("lightmeter_requests_total", "counter", "Answered requests.")
    for (key, histogram) in routes {
      for (status, count) in histogram.statuses.sorted(by: { $0.key < $1.key }) {
        text.sample("lightmeter_requests_total", "\(key.labels),status=\"\(status)\"", Double(count))
      }
    }
    text.family("lightmeter_request_duration_seconds", "histogram", "Time from the request to its answer.")
    for (key, histogram) in routes {
      var total = 0
      for (bound, count) in zip(Self.bounds.map { "\($0)" } + ["+Inf"], histogram.counts) {
        total += count
        text.sample("lightmeter_request_duration_seconds_bucket", "\(key.labels),le=\"\(bound)\"", Double(total))
      }
      text.sample("lightmeter_request_duration_seconds_sum", key.labels, histogram.sum)
      text.sample("lightmeter_request_duration_seconds_count", key.labels, Double(total))
    }
    text.family("lightmeter_fallbacks_total", "counter", "Lists for users whom the model does not know.")
    for (kind, count) in state.fallbacks.sorted(by: { $0.key < $1.key }) {
      text.sample("lightmeter_fallbacks_total", "kind=\"\(kind)\"", Double(count))
    }
    text.gauge("lightmeter_requests_in_flight", "Requests that are being answered.", Double(inFlight))
  }
}
