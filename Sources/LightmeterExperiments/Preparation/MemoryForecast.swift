internal import LightmeterModels
public import LightmeterTraining

/// What a training run will hold in memory at its peak, told before it starts.
///
///     tables = users · stride(d + biases) + items · stride(d + biases) (+ users · stride(d) for a learned exposure), 4 bytes
///     training = ids + pairs + 3 · tables (values and two moments) + row counters;   preparing = log + its copies by user
///
/// - Source: counted on the arrays of reader, builder, sampler and trainer; held against the measured peak by
///   `Benchmarks/scale/run`.
/// - Stability: experimental
public struct MemoryForecast: Sendable {
  /// How large a log is.
  public struct Size: Sendable, Hashable {
    /// Number of users.
    public var users: Int
    /// Number of items.
    public var items: Int
    /// Rows of the log.
    public var rows: Int
    /// Positive rows.
    public var positives: Int
    /// Bytes of all raw ids.
    public var textBytes: Int

    /// Bundles the numbers.
    public init(users: Int, items: Int, rows: Int, positives: Int, textBytes: Int) {
      (self.users, self.items, self.rows, self.positives) = (users, items, rows, positives)
      self.textBytes = textBytes
    }
  }

  /// Bytes while the log is turned into training data.
  public let preparing: Int
  /// Bytes while parameters move.
  public let training: Int
  /// Bytes of the tables that train, with their moments.
  public let trainedTables: Int
  /// Bytes at the peak.
  public var bytes: Int { max(preparing, training) }

  private let method: PointwiseMethod
  private let size: Size
  private let holdsOut: Bool
  private let controls: Bool
  private let resumes: Bool

  /// Foretells the run of a method.
  ///
  /// - Parameters:
  ///   - holdsOut: whether a test is held out of the log.
  ///   - controls: whether a control is trained while the model is kept.
  ///   - resumes: whether a resume file is read, which stands beside the fresh tables for a moment.
  public init(_ method: PointwiseMethod, size: Size, holdsOut: Bool, controls: Bool, resumes: Bool = false) {
    (self.method, self.size, self.holdsOut) = (method, size, holdsOut)
    (self.controls, self.resumes) = (controls, resumes)
    let (users, items) = (size.users, size.items)
    // The program itself, and per id two tables' starts and slots.
    let standing = 24 << 20 + size.textBytes + 12 * (users + items)
    // Columns and labels; the positive columns once more, then by user; a test takes row numbers, flags and their order.
    let log = 9 * size.rows
    preparing = standing + log + 13 * size.positives + 48 * users + (holdsOut ? 9 * size.rows + 24 * users : 0)

    let columns = method.dimension + MemoryForecast.extraColumns(method)
    let model = 4 * MemoryForecast.stride(columns) * (users + items)
    let learnsExposure = if case .blended = method.exposure { true } else { false }
    let exposure = learnsExposure ? 4 * MemoryForecast.stride(method.dimension) * users : 0
    // Positives by user, their users for the sampler, step counts and two inputs' marks per row (with an outer level, those
    // of its pairs as well), a validation set of two pairs for every fifth user in two orders and its negatives.
    let marks = if case .bilevel = method.strategy { 32 } else { 16 }
    let pairs = 8 * size.positives + 8 * users + (4 + marks) * (users + items) + (learnsExposure ? 4 * users : 0)
    let validation = 9 * users
    let batch = 4 * 8 * MemoryForecast.stride(columns) * method.batchSize
    trainedTables = 3 * (model + exposure)
    let beside = controls ? model + exposure + 3 * model : 0
    training = standing + pairs + validation + batch + max(trainedTables, beside) + (resumes ? trainedTables : 0)
  }

  private static func extraColumns(_ method: PointwiseMethod) -> Int {
    switch method.biases {
    case .none: 0
    case .item: 1
    case .userAndItem: 2
    }
  }

  private static func stride(_ columns: Int) -> Int { (columns + 3) / 4 * 4 }

  /// Refuses a run that will not fit.
  ///
  /// - Parameters:
  ///   - limit: bytes that the process may hold; nil where the system does not tell.
  /// - Throws: ``MemoryShortage`` with what is needed, what there is, and the option that lowers it most gently.
  public func check(limit: Int?) throws(MemoryShortage) {
    guard let limit, bytes > limit else { return }
    if controls {
      let alone = MemoryForecast(method, size: size, holdsOut: holdsOut, controls: false, resumes: resumes)
      if alone.bytes <= limit {
        throw MemoryShortage(needed: bytes, limit: limit, option: "--only", neededThen: alone.bytes)
      }
    }
    var smaller = method
    for dimension in [128, 64, 48, 32, 24, 16, 8, 4] where dimension < method.dimension {
      smaller.dimension = dimension
      let forecast = MemoryForecast(smaller, size: size, holdsOut: holdsOut, controls: controls, resumes: resumes)
      if forecast.bytes <= limit {
        throw MemoryShortage(
          needed: bytes, limit: limit, option: "--set dimension=\(dimension)", neededThen: forecast.bytes)
      }
    }
    throw MemoryShortage(needed: bytes, limit: limit, option: nil, neededThen: 0)
  }
}

/// A run that would not fit into memory.
public struct MemoryShortage: Error, Equatable, CustomStringConvertible {
  /// Bytes at the peak.
  public let needed: Int
  /// Bytes that there are.
  public let limit: Int
  /// What makes it fit; nil where nothing here does.
  public let option: String?
  /// Bytes at the peak with that option.
  public let neededThen: Int

  /// One sentence: how much it needs, what there is, and the way out.
  public var description: String {
    let way =
      option.map { "\($0) needs about \(MemoryShortage.text(neededThen))" }
      ?? "train on fewer rows or on a machine with more memory"
    return
      "this run needs about \(MemoryShortage.text(needed)) of memory, and \(MemoryShortage.text(limit)) can be had; "
      + "\(way) (--memory-limit sets the limit by hand)"
  }

  /// Bytes as people read them.
  public static func text(_ bytes: Int) -> String {
    let mebibytes = Double(bytes) / 0x1p20
    return mebibytes < 1000
      ? "\(NumberText.fixed(mebibytes, places: 0)) MiB" : "\(NumberText.fixed(mebibytes / 1024, places: 1)) GiB"
  }
}
