public import LightmeterFeedback
public import LightmeterKernels
public import LightmeterModels

/// Where training starts instead of at random values: the tables of a model, as many rows as the data has users and items.
///
/// Moments start at 0: a model file does not keep them.
///
/// - Stability: experimental
public struct WarmStart: Sendable {
  /// User rows, then item rows, of the method's own layout.
  public var modelTables: [Table<Float>]
  /// Added to every score; what the model had.
  public var intercept: Float
  /// The tables of a learned exposure; empty where nothing is learned.
  public var exposureTables: [Table<Float>]
  /// An exposure that replaces what the method would compute from the data; nil to compute it.
  public var exposure: StoredExposure?
  /// The clicks that popularity is counted on where they are more than those trained on.
  public var counted: FeedbackMatrix?

  /// Bundles the parts.
  public init(
    modelTables: [Table<Float>], intercept: Float, exposureTables: [Table<Float>] = [],
    exposure: StoredExposure? = nil, counted: FeedbackMatrix? = nil
  ) {
    (self.modelTables, self.intercept, self.exposureTables) = (modelTables, intercept, exposureTables)
    (self.exposure, self.counted) = (exposure, counted)
  }

  /// Refuses tables of another layout.
  func check(_ layouts: [Table<Float>]) throws(TrainingError) {
    for (table, layout) in zip(modelTables, layouts)
    where table.rows != layout.rows || table.width != layout.width || table.fixedColumn != layout.fixedColumn {
      throw .missing(
        "the model's \(layout.name) have \(table.rows) rows of \(table.width), the recipe makes \(layout.rows) of "
          + "\(layout.width): the file does not belong to its recipe")
    }
  }
}
