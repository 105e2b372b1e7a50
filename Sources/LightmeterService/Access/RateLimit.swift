internal import Synchronization

/// How many requests each key may make: a token bucket per key.
///
///     tokens = min(burst, tokens + rate · time);   a request takes 1, or is refused until there is one
///
/// - Complexity: O(1) per request; 16 bytes per key of the server, whoever asks.
final class RateLimit: Sendable {
  private struct Bucket {
    var tokens: Double
    var time: Double
  }

  private let perSecond: Double
  private let burst: Double
  private let buckets: Mutex<[Bucket]>

  /// Full buckets.
  ///
  /// - Parameters:
  ///   - perMinute: requests that a key gets a minute.
  ///   - burst: requests that it may save up.
  ///   - keys: how many buckets.
  init(perMinute: Int, burst: Int, keys: Int) {
    (perSecond, self.burst) = (Double(perMinute) / 60, Double(burst))
    buckets = Mutex([Bucket](repeating: Bucket(tokens: Double(burst), time: 0), count: keys))
  }

  /// Lets a request of a key in.
  ///
  /// - Parameters:
  ///   - time: seconds on a clock that never goes back.
  /// - Returns: nil where it may pass; else the seconds until the next one may.
  func take(key: Int, at time: Double) -> Double? {
    buckets.withLock { buckets in
      var bucket = buckets[key]
      bucket.tokens = min(burst, bucket.tokens + perSecond * max(0, time - bucket.time))
      bucket.time = max(time, bucket.time)
      defer { buckets[key] = bucket }
      guard bucket.tokens >= 1 else { return (1 - bucket.tokens) / perSecond }
      bucket.tokens -= 1
      return nil
    }
  }
}
