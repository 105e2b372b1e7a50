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
  /// Makes every column `count` long without keeping what it held.
  public mutating func resize(_ count: Int) {
    guard loss.count != count else { return }
    loss = [S](repeating: 0, count: count)
    (byLogit, byExposure, byLogitAndExposure, byExposureTwice) = (loss, loss, loss, loss)
  }
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
  /// Makes every column `count` long.
  public mutating func resize(_ count: Int) {
    guard exposure.count != count else { return }
    exposure = [S](repeating: 0, count: count)
    (affinity, gate) = (exposure, exposure)
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

/// First and second moments of one table, laid out like it.
public struct AdamMoments<S: TrainingScalar>: Sendable {
  /// Running mean of the gradient.
  public var first: [S]
  /// Running mean of its square.
  public var second: [S]
  /// Zero moments for a table of `count` values.
  public init(count: Int) {
    first = [S](repeating: 0, count: count)
    second = first
  }
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
  public static func convert(_ input: [Float], into out: inout [Self]) {
    precondition(out.count == input.count, "input and output lengths differ")
    if Self.self == Float.self {
      // A plain copy of the same type; the loop below would convert number by number.
      out = input as? [Self] ?? out
    } else {
      for k in input.indices { out[k] = Self(input[k]) }
    }
  }
}
