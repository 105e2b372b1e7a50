internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterObjectives

extension Recommender {
  /// A new row of the model, found with everything else held still.
  public struct FoldedRow: Sendable {
    /// One for each factor model: a single one, or as many as an ensemble has members. Laid out like the rows of the
    /// model's table: factors, biases, the constant 1.
    public var rows: [[Float]]
    /// The first of them: all of a model that is no ensemble.
    public var row: [Float] { rows[0] }
    /// Raw ids that the model does not know; they told nothing.
    public var unknown: [String]
    /// Newton steps taken, the most of any row; 1 for closed forms.
    public var steps: Int
    /// The largest absolute derivative of the objective at the row, the largest of all rows.
    public var slope: Double

    init(_ solutions: [FoldInSide.Solution], unknown: [String]) {
      self.unknown = unknown
      rows = solutions.map(\.row)
      steps = solutions.reduce(0) { max($0, $1.steps) }
      slope = solutions.reduce(0) { max($0, $1.slope) }
    }
  }

  /// How many of the pairs without a click a row is fitted to, where training draws them.
  public static var foldInSample: Int { 2048 }

  /// How this model folds new users and items in, or why it does not.
  public var foldInRule: FoldInRule { cache.rule { FoldInRule(manifest: model.manifest) } }

  /// The row of a user who is not in the model, from what the user clicked.
  ///
  /// It minimises the model's training objective for one more user, items and exposure held still: ``FoldInObjective``.
  /// Of the items that were not clicked all take part where training goes through all of them; where it draws them,
  /// a fixed choice of `sample` stands for all, with their weight.
  ///
  /// - Parameters:
  ///   - session: raw ids of clicked items; the order does not matter, repeats count once, unknown ids are named in the
  ///     answer and tell nothing.
  ///   - declined: raw ids of items that were shown and not clicked: dislikes with exposure 1.
  ///   - sample: how many items without a click take part where training draws them.
  /// - Throws: ``Problem/noFoldIn(_:)``.
  /// - Complexity: O(steps · pairs · d²), pairs = clicks + sample; least squares O(clicks · d² + d³) after one pass over
  ///   all items.
  /// - Stability: experimental
  public func foldIn(
    session: some Sequence<String>, declined: some Sequence<String> = [], sample: Int = foldInSample
  ) throws(Problem) -> FoldedRow {
    let (members, objective) = try foldable()
    let clicks = known(session, in: model.items)
    let declines = known(declined, in: model.items)
    let sides = members.map {
      FoldInSide(own: $0.users, other: $0.items, intercept: $0.intercept, objective: objective)
    }
    let side = sides[0]
    let solutions: [FoldInSide.Solution]
    switch objective.loss {
    case .leastSquares(let confidence):
      let gram = cache.itemGram { side.gram() }
      guard let solved = side.solveLeastSquares(clicked: clicks.rows, confidence: confidence, gram: gram) else {
        throw .noFoldIn("the user's system is not positive definite; train with a larger regularization")
      }
      solutions = [solved]
    case .triples: solutions = sides.map { $0.solve(triples($0, clicks.rows, sample: sample)) }
    case .imputedSquares(let weight):
      let pairs = try imputed(side, clicks.rows, imputationWeight: weight)
      solutions = sides.map { $0.solve($0.problem(pairs)) }
    default:
      let pairs = try pairs(
        side, clicks.rows, declined: declines.rows.filter { !clicks.rows.contains($0) }, sample: sample)
      solutions = sides.map { side in side.solve(side.problem(pairs)) { cache.meanUser { members[0].users.meanRow } } }
    }
    return FoldedRow(solutions, unknown: clicks.unknown + declines.unknown)
  }

  /// Tables and objective of a model that can be folded into; at least one model.
  func foldable() throws(Problem) -> ([FactorModel], FoldInObjective) {
    let members = model.scorer.members
    if members.isEmpty { throw .noFoldIn("it ranks at random") }
    switch foldInRule {
    case .unavailable(let reason): throw .noFoldIn(reason)
    case .objective(let objective): return (members, objective)
    }
  }

  /// AutoDebias's pairs: every row of the other side with its imputed score, and the clicked ones with 1 besides. The new
  /// row's own factors of the weights are the geometric means of its side.
  func imputed(
    _ side: FoldInSide, _ clicks: [Int32], imputationWeight: Double
  ) throws(Problem) -> FoldInSide.Pairs {
    guard let weights = model.weights else {
      throw .noFoldIn("its file lacks the weights of clicks and pairs; train it again")
    }
    func typical(_ column: [Float]) -> Double {
      Portable.exp(column.reduce(0) { $0 + Portable.log(Double($1)) } / Double(max(column.count, 1)))
    }
    let click =
      side.isOfItem
      ? (typical(weights.clickItems), weights.clickUsers)
      : (typical(weights.clickUsers), weights.clickItems)
    let pair =
      side.isOfItem
      ? (typical(weights.pairItems), weights.pairUsers)
      : (typical(weights.pairUsers), weights.pairItems)
    var pairs = FoldInSide.Pairs()
    for row in clicks {
      pairs.append(row, feedback: 1, weight: click.0 * Double(click.1[Int(row)]), exposure: 1)
    }
    let clicked = Set(clicks)
    for row in 0..<Int32(side.other.rows) {
      let outcome = clicked.contains(row) ? 1 : 0
      let weight = imputationWeight * pair.0 * Double(pair.1[Int(row)]) * Double(weights.pairOutcomes[outcome])
      pairs.append(row, feedback: UInt8(outcome), weight: weight, exposure: Double(weights.labels[outcome]))
    }
    return pairs
  }

  /// Indices of known ids, ascending, each once, and the unknown ids as they came.
  func known(_ ids: some Sequence<String>, in table: IdentifierTable) -> (rows: [Int32], unknown: [String]) {
    var (rows, unknown): (Set<Int32>, [String]) = ([], [])
    for id in ids {
      if let row = table.index(of: id) { rows.insert(row) } else { unknown.append(id) }
    }
    return (rows.sorted(), unknown)
  }

  /// The exposure of a user with `clicks` clicks who is not in the model; nil where the model has none.
  func exposureOfNewUser(clicks: Int, perUser: Double?) throws(Problem) -> StoredExposure? {
    guard let exposure = model.exposure else { return nil }
    let activity = perUser.map { $0 > 0 ? Double(clicks) / $0 : 1 } ?? 1
    let new = exposure.ofNewUser(
      activity: Float(activity), order: { activities in cache.activityOrder { ActivityOrder(activities) } }
    ) {
      guard case .blended(let blended) = exposure else { return [] }
      return cache.meanExposureUser { blended.users.meanRow }
    }
    guard let new else { throw .noFoldIn("its exposure is that of a simulated world, which knows no other users") }
    return new
  }

  /// Clicks, declined items and the others as the model's training stream would weigh them.
  private func pairs(
    _ side: FoldInSide, _ clicks: [Int32], declined: [Int32], sample: Int
  ) throws(Problem) -> FoldInSide.Pairs {
    let objective = side.objective
    var pairs = FoldInSide.Pairs()
    for item in clicks { pairs.append(item, feedback: 1, weight: 1, exposure: 1) }
    for item in declined { pairs.append(item, feedback: 0, weight: 1, exposure: 1) }
    let listed = pairs.rows.count
    let excluded = Set(pairs.rows)
    let free = Double(side.other.rows - excluded.count)
    switch objective.unclicked {
    case .listed: break
    case .all:
      for item in side.sample(excluding: excluded, limit: nil) {
        pairs.append(item, feedback: 0, weight: 1, exposure: 1)
      }
    case .drawn(let perClick):
      let others = side.sample(excluding: excluded, limit: sample)
      let each = Double(clicks.count * perClick) / Double(max(side.other.rows, 1)) * free / Double(max(others.count, 1))
      for item in others { pairs.append(item, feedback: 0, weight: each, exposure: 1) }
    }
    guard objective.estimator?.usesExposure == true else { return pairs }
    let exposure = try exposureOfNewUser(clicks: clicks.count, perUser: objective.clicksPerUser)
    var column = [Float](repeating: 1, count: pairs.rows.count)
    exposure?.exposures(users: [Int32](repeating: 0, count: column.count), items: pairs.rows, into: &column)
    for k in column.indices where k >= listed || (k < clicks.count && !objective.listsImpressions) {
      // The log may never have seen a click on what this user clicked; its exposure is small, but not 0.
      let least: Float = k < clicks.count ? CalibratedExposure.range.lowerBound : 0
      pairs.exposures[k] = Double(max(column[k], least))
    }
    return pairs
  }

  /// Every click against items that it is drawn to be above, the same ones whatever the session holds besides.
  private func triples(_ side: FoldInSide, _ clicks: [Int32], sample: Int) -> FoldInProblem {
    guard !clicks.isEmpty, clicks.count < side.other.rows, case .drawn(let perClick) = side.objective.unclicked else {
      return side.problem(clicked: [], drawn: [], weight: 1)
    }
    let free = side.sample(excluding: Set(clicks), limit: nil)
    let draws = max(16, sample / clicks.count)
    var (clicked, drawn): ([Int32], [Int32]) = ([], [])
    for item in clicks {
      let key = SeededGenerator.key(seed: 0, stream: .negatives, epoch: -1, shard: Int(item))
      for draw in 0..<draws {
        let place = SeededGenerator.hash(key, UInt64(draw)).multipliedFullWidth(by: UInt64(free.count)).high
        clicked.append(item)
        drawn.append(free[Int(place)])
      }
    }
    return side.problem(clicked: clicked, drawn: drawn, weight: Double(perClick) / Double(draws))
  }
}
