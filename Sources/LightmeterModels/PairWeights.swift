/// What AutoDebias has learned beside its factors: how much clicks and pairs weigh, and what score it imputes to pairs.
///
///     w1_ui = clickUsers_u · clickItems_i;   w2_ui = pairUsers_u · pairItems_i · pairOutcomes_o;   m_o = labels_o
///
/// o is 0 for a pair without a click and 1 for one with. Scoring needs none of it; folding new rows in does.
///
/// - Shapes: clickUsers, pairUsers (users); clickItems, pairItems (items); pairOutcomes, labels (2).
/// - Units: weights above 0, 1 at the start of training; labels in (−1, 1).
/// - Source: Chen et al. 2021; METHODS §12.
/// - Stability: experimental
public struct PairWeights: Sendable, Hashable {
  /// Factor of each user in the weight of a click.
  public var clickUsers: [Float]
  /// Factor of each item in it.
  public var clickItems: [Float]
  /// Factor of each user in the weight of any pair.
  public var pairUsers: [Float]
  /// Factor of each item in it.
  public var pairItems: [Float]
  /// Factor of pairs without and with a click in it.
  public var pairOutcomes: [Float]
  /// Imputed score of pairs without and with a click.
  public var labels: [Float]

  /// Bundles the columns.
  public init(
    clickUsers: [Float], clickItems: [Float], pairUsers: [Float], pairItems: [Float], pairOutcomes: [Float],
    labels: [Float]
  ) {
    precondition(
      clickUsers.count == pairUsers.count && clickItems.count == pairItems.count && pairOutcomes.count == 2
        && labels.count == 2, "both weights have a factor for every user and item, and two outcomes")
    (self.clickUsers, self.clickItems) = (clickUsers, clickItems)
    (self.pairUsers, self.pairItems) = (pairUsers, pairItems)
    (self.pairOutcomes, self.labels) = (pairOutcomes, labels)
  }
}
