internal import CLightmeterKernels

/// Rows of a table as kernels read them: the values and the distance between rows.
///
/// Holds a reference to the array's storage: take it, use it, drop it before the table changes, or the change copies.
public struct RowsView<S: TrainingScalar>: Sendable {
  /// The table's values, row-major.
  public let values: [S]
  /// Elements from one row's start to the next.
  public let stride: Int
  /// Wraps `values` as rows that are `stride` apart.
  public init(_ values: [S], stride: Int) {
    self.values = values
    self.stride = stride
  }
}

/// What an estimator gives for a batch: one column per derivative, each as long as the batch.
public struct LossColumns<S: TrainingScalar>: Sendable {
  /// Loss per pair, nats.
  public var loss: [S] = []
  /// ∂loss/∂logit.
  public var byLogit: [S] = []
  /// ∂loss/∂exposure.
  public var byExposure: [S] = []
  /// ∂²loss/∂logit∂exposure, what bi-level training needs.
  public var byLogitAndExposure: [S] = []
  /// ∂²loss/∂exposure², for the ablation that differentiates through the exposure.
  public var byExposureTwice: [S] = []
  /// Empty columns.
  public init() {}
  /// Makes every column at least `count` long; what is beyond `count` means nothing.
  public mutating func reserve(_ count: Int) {
    S.reserve(&loss, count)
    S.reserve(&byLogit, count)
    S.reserve(&byExposure, count)
    S.reserve(&byLogitAndExposure, count)
    S.reserve(&byExposureTwice, count)
  }
}

/// What the cross-entropy of pairs leaves, one entry per pair.
public struct CrossEntropyColumns<S: TrainingScalar>: Sendable {
  /// The logit; not written by a pass that needs none.
  public var logits: [S] = []
  /// Loss, nats.
  public var loss: [S] = []
  /// ∂loss/∂logit times the scale that was asked for.
  public var byLogit: [S] = []
  /// Entries of ``byLogit`` that were asked for.
  public var chosen: [S] = []
  // Sums of runs whose item has several.
  var sums: [S] = []
  /// Empty columns.
  public init() {}
}

/// What the forward pass of Eq. (14) leaves for its pullback: exposure m, affinity q and gate r per pair.
public struct BlendColumns<S: TrainingScalar>: Sendable {
  /// m = r q + (1 − r) θ, in [0, 1].
  public var exposure: [S] = []
  /// q = σ(e_u · w_i).
  public var affinity: [S] = []
  /// r = σ(a · w_i + b).
  public var gate: [S] = []
  /// Empty columns.
  public init() {}
  /// Makes every column at least `count` long.
  public mutating func reserve(_ count: Int) {
    S.reserve(&exposure, count)
    S.reserve(&affinity, count)
    S.reserve(&gate, count)
  }
}

/// CJMF's exposure of items, m = x^ε with x = ω ς + (1 − ω) popularity, and what its pullback reads.
public struct GateColumns<S: TrainingScalar>: Sendable {
  /// ω.
  public var mixing: [S] = []
  /// ς.
  public var level: [S] = []
  /// ε.
  public var exponent: [S] = []
  /// Popularity, above 0 and at most 1.
  public var popularity: [S] = []
  /// m.
  public var exposure: [S] = []
  /// log x.
  public var logBase: [S] = []
  /// Empty columns.
  public init() {}
  /// Makes every column at least `count` long.
  public mutating func reserve(_ count: Int) {
    S.reserve(&mixing, count)
    S.reserve(&level, count)
    S.reserve(&exponent, count)
    S.reserve(&popularity, count)
    S.reserve(&exposure, count)
    S.reserve(&logBase, count)
  }
}

/// Adam's constants.
public struct AdamSettings<S: TrainingScalar>: Sendable {
  /// Step length.
  public var rate: S
  /// Decay of the first moment.
  public var beta1: S
  /// Decay of the second moment.
  public var beta2: S
  /// Added outside the square root.
  public var epsilon: S
  /// The published constants; `rate` is the method's own.
  public init(rate: S, beta1: S = 0.9, beta2: S = 0.999, epsilon: S = 1e-8) {
    (self.rate, self.beta1, self.beta2, self.epsilon) = (rate, beta1, beta2, epsilon)
  }
}

/// First and second moments of one table: the running means of the gradient and of its square.
///
/// A row's second moments stand behind its first ones: a step on a row far away in memory reaches them at one place.
///
/// - Shapes: `values` (rows × 2 stride).
public struct AdamMoments<S: TrainingScalar>: Sendable {
  /// Row by row, first moments and then second ones.
  public var values: [S]
  /// Zero moments for a table of `count` values.
  public init(count: Int) { values = S.zeros(2 * count) }
  /// Given moments.
  public init(values: [S]) { self.values = values }
}

/// Sums and ends of one column.
public struct ColumnSummary: Sendable, Equatable {
  /// Sum of the values.
  public var sum: Double
  /// Sum of their squares.
  public var squares: Double
  /// The least value; 0 for an empty column.
  public var least: Double
  /// The greatest value; 0 for an empty column.
  public var greatest: Double
  /// Bundles the sums.
  public init(sum: Double, squares: Double, least: Double, greatest: Double) {
    (self.sum, self.squares, self.least, self.greatest) = (sum, squares, least, greatest)
  }
}

extension TrainingScalar {
  /// Copies single-precision numbers into a column of this precision.
  @_specialize(where Self == Float)
  public static func convert(_ input: [Float], into out: inout [Self]) {
    reserve(&out, input.count)
    for k in input.indices { out[k] = Self(input[k]) }
  }

  /// A column of zeros; generic code must not fill arrays value by value.
  public static func zeros(_ count: Int) -> [Self] {
    // The standard library would write the length into the one empty array that all threads share.
    if count == 0 { return [] }
    return [Self](unsafeUninitializedCapacity: roomy(count)) { buffer, initialized in
      lm_prefer_large_pages(buffer.baseAddress, buffer.count * MemoryLayout<Self>.stride)
      UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(buffer)[..<(count * MemoryLayout<Self>.stride)]
      )
      .initializeMemory(as: UInt8.self, repeating: 0)
      initialized = count
    }
  }

  /// The capacity of a long column: with what stands before its values it fills large pages to the last byte.
  ///
  /// Linux gives such an allocation an address that large pages can hold; of any other the ends are in small pages, whose
  /// addresses then cost more time than the values in the third cache (a half of a table of four megabytes).
  static func roomy(_ count: Int) -> Int {
    let (page, width, bytes) = (1 << 21, MemoryLayout<Self>.stride, count * MemoryLayout<Self>.stride)
    // The array's own head and the allocator's before it.
    let head = 32 + 16
    guard bytes >= page / 2 else { return count }
    return ((bytes + head + page - 1) / page * page - head) / width
  }

  /// Makes a reused column at least `count` long. Columns only grow: batches of slightly different lengths must not
  /// allocate.
  @_specialize(where Self == Float)
  public static func reserve(_ column: inout [Self], _ count: Int) {
    guard column.count < count else { return }
    column = zeros(count + count / 4)
  }

  /// Reads `out[k] = column[places[k]]`.
  @_specialize(where Self == Float)
  public static func gather(_ column: [Self], at places: [Int32], into out: inout [Self]) {
    reserve(&out, places.count)
    kernels.table.pointee.take_places(&out, column, places, places.count)
  }

  /// Zeroes the first `count` values of a reused column, which grows if it must.
  @_specialize(where Self == Float)
  public static func clear(_ column: inout [Self], _ count: Int) {
    guard column.count >= count else { return reserve(&column, count) }
    lm_clear(&column, count * MemoryLayout<Self>.stride)
  }
}
