import LightmeterFeedback
import LightmeterKernels
import LightmeterModels
import LightmeterObjectives
import TestSupport
import Testing

@testable import LightmeterServing

/// A small factor model with every kind of objective, whose rows are drawn, not trained.
enum FoldInSample {
  static let losses: [FoldInObjective.Loss] = [
    .naive, .inversePropensity(clip: 0.05), .lowVariance,
    .weightedRisk(
      weighting: .inverse, likelihoodWeight: 20, riskWeight: 1, detachesWeights: false, clip: 0.01),
    .logistic(confidence: 5, extra: 1), .latentExposure(precision: 1.5), .leastSquares(confidence: 10), .triples,
    .imputedSquares(imputationWeight: 0.3),
  ]

  static func objective(_ loss: FoldInObjective.Loss) -> FoldInObjective {
    var objective = FoldInObjective(
      loss: loss, unclicked: .drawn(perClick: 3), factorRidge: 0.4, biasRidge: 0.05, clicksPerUser: 4)
    switch loss {
    case .leastSquares, .latentExposure, .logistic: objective.unclicked = .all
    default: break
    }
    return objective
  }

  static func model(
    _ loss: FoldInObjective.Loss, users userCount: Int = 25, items itemCount: Int = 30, dimension: Int = 5,
    exposure: StoredExposure? = nil, history: Bool = true, manifest: String? = nil
  ) throws -> StoredModel {
    let biased = loss != .leastSquares(confidence: 10)
    let backbone = MatrixFactorization<Float>(
      userCount: userCount, itemCount: itemCount, dimension: dimension, biases: biased ? .userAndItem : .none,
      intercept: biased ? -1 : 0, deviation: 0.6, seed: 4)
    var generator = SeededGenerator(seed: 9, stream: .world)
    var (users, items): ([Int32], [Int32]) = ([], [])
    for user in 0..<userCount {
      for item in 0..<itemCount where generator.uniform() < 4 / Double(item + 8) {
        users.append(Int32(user))
        items.append(Int32(item))
      }
    }
    let seen = FeedbackMatrix(userCount: userCount, itemCount: itemCount, users: users, items: items)
    let popularity = Popularity.exposure(of: seen, exponent: 0.5)
    return StoredModel(
      scorer: .factors(backbone.factorModel), exposure: exposure ?? .perItem(popularity.map { max($0, 0.05) * 0.9 }),
      users: names("u", userCount), items: names("i", itemCount), popularity: popularity, seen: history ? seen : nil,
      weights: PairWeights(
        clickUsers: (0..<userCount).map { 0.5 + Float($0 % 5) / 4 },
        clickItems: (0..<itemCount).map { 0.5 + Float($0 % 3) / 2 },
        pairUsers: (0..<userCount).map { 0.6 + Float($0 % 4) / 5 },
        pairItems: (0..<itemCount).map { 0.7 + Float($0 % 7) / 9 },
        pairOutcomes: [0.8, 1.1], labels: [-0.6, 0.3]),
      manifest: try manifest ?? text(of: objective(loss)))
  }

  static func text(of objective: FoldInObjective) throws -> String {
    struct Part: Encodable { var foldIn: FoldInObjective }
    return try encoded(Part(foldIn: objective))
  }

  static func names(_ letter: String, _ count: Int) -> IdentifierTable {
    var table = IdentifierTable()
    for index in 0..<count { _ = table.intern("\(letter)\(index)") }
    return table
  }
}

@Suite struct FoldInTests {
  private static let session = ["i3", "i7", "i12", "i20"]

  @Test(arguments: FoldInSample.losses) func theDerivativeIsZeroAtANewUsersRow(loss: FoldInObjective.Loss) throws {
    let folded = try Recommender(try FoldInSample.model(loss)).foldIn(session: Self.session)
    #expect(folded.slope < 1e-6, "a derivative of \(folded.slope) is left")
    #expect(folded.row.contains { $0 != 0 && $0 != 1 })
    #expect(folded.steps > 0)
  }

  /// AutoDebias: the row minimises w1 (s − 1)² over clicks, λ w2 (s − m)² over all pairs and the ridge, in plain loops.
  @Test(arguments: [true, false]) func imputedLabelsAndWeightsAreThoseOfTheModel(isUser: Bool) throws {
    var objective = FoldInSample.objective(.imputedSquares(imputationWeight: 0.3))
    objective.itemRidge = 0.9
    let model = try FoldInSample.model(objective.loss, manifest: try FoldInSample.text(of: objective))
    let weights = try #require(model.weights)
    let factors = try #require(model.scorer.members.first)
    let clicked = isUser ? [3, 7, 12, 20] : [1, 4, 5, 19, 22]
    let recommender = Recommender(model)
    let row =
      isUser
      ? try recommender.foldIn(session: clicked.map { "i\($0)" }).row
      : try recommender.foldIn(itemClickedBy: clicked.map { "u\($0)" }).row
    let (own, other) = isUser ? (factors.users, factors.items) : (factors.items, factors.users)
    let (clicks, pairs) = isUser ? (weights.clickItems, weights.pairItems) : (weights.clickUsers, weights.pairUsers)
    func typical(_ column: [Float]) -> Double {
      Portable.exp(column.map { Portable.log(Double($0)) }.reduce(0, +) / Double(column.count))
    }
    let click = typical(isUser ? weights.clickUsers : weights.clickItems)
    let pair = typical(isUser ? weights.pairUsers : weights.pairItems)
    func value(_ row: [Double]) -> Double {
      var sum = 0.0
      for k in 0..<other.rows {
        var score = Double(factors.intercept)
        for c in 0..<own.width { score += row[c] * Double(other.values[k * other.stride + c]) }
        let outcome = clicked.contains(k) ? 1 : 0
        let missed = score - Double(weights.labels[outcome])
        sum += 0.3 * pair * Double(pairs[k] * weights.pairOutcomes[outcome]) * missed * missed
        if outcome == 1 { sum += click * Double(clicks[k]) * (score - 1) * (score - 1) }
      }
      for c in 0..<own.width where c != own.fixedColumn {
        sum += 0.5 * (c < own.factorWidth ? (isUser ? 0.4 : 0.9) : 0.05) * row[c] * row[c]
      }
      return sum
    }
    let found = row.prefix(own.width).map { Double($0) }
    for c in 0..<own.width where c != own.fixedColumn {
      var (above, below) = (found, found)
      above[c] += 1e-3
      below[c] -= 1e-3
      let slope = (value(above) - value(below)) / 2e-3
      #expect(abs(slope) < 1e-4, "column \(c): \(slope)")
    }
    var bare = model
    bare.weights = nil
    #expect(throws: Recommender.Problem.self) { try Recommender(bare).foldIn(session: ["i1"]) }
  }

  @Test(arguments: FoldInSample.losses) func theDerivativeIsZeroAtANewItemsRow(loss: FoldInObjective.Loss) throws {
    let folded = try Recommender(try FoldInSample.model(loss)).foldIn(itemClickedBy: ["u1", "u2", "u9"])
    #expect(folded.slope < 1e-6, "a derivative of \(folded.slope) is left")
    #expect(folded.row.contains { $0 != 0 && $0 != 1 })
  }

  /// The gradient against central differences in double precision, at a point that is no minimum.
  @Test(arguments: FoldInSample.losses) func theDerivativeIsTheDifferenceQuotient(loss: FoldInObjective.Loss) throws {
    guard let estimator = FoldInSample.objective(loss).estimator else { return }
    let model = try FoldInSample.model(loss)
    guard case .factors(let factors) = model.scorer else { return }
    let side = FoldInSide(
      own: factors.users, other: factors.items, intercept: factors.intercept, objective: FoldInSample.objective(loss))
    var pairs = FoldInSide.Pairs()
    for item in 0..<12 {
      pairs.append(
        Int32(item), feedback: item % 3 == 0 ? 1 : 0, weight: 0.5 + Double(item % 4),
        exposure: 0.1 + 0.07 * Double(item))
    }
    var problem = side.problem(pairs)
    problem.estimator = estimator
    let x = side.columns.indices.map { 0.3 * Double($0) - 0.7 }
    let gradient = problem.point(at: x).gradient
    let step = 1e-5
    for column in x.indices {
      var (above, below) = (x, x)
      above[column] += step
      below[column] -= step
      let slope = (problem.point(at: above).value - problem.point(at: below).value) / (2 * step)
      #expect(abs(slope - gradient[column]) < 1e-6 * max(1, abs(slope)), "column \(column)")
    }
  }

  @Test func aConvexRowDoesNotDependOnItsStart() throws {
    let loss = FoldInObjective.Loss.logistic(confidence: 5, extra: 1)
    guard case .factors(let factors) = try FoldInSample.model(loss).scorer else { return }
    let side = FoldInSide(
      own: factors.users, other: factors.items, intercept: factors.intercept, objective: FoldInSample.objective(loss))
    var pairs = FoldInSide.Pairs()
    for item in 0..<30 { pairs.append(Int32(item), feedback: item % 7 == 0 ? 1 : 0, weight: 1, exposure: 1) }
    let problem = side.problem(pairs)
    let (zero, mean) = (side.solve(problem), side.solve(problem) { factors.users.meanRow })
    let far = side.solve(problem) { [Float](repeating: 3, count: factors.users.stride) }
    for other in [mean, far] {
      #expect(zip(zero.row, other.row).allSatisfy { abs($0 - $1) < 1e-6 }, "\(other.row) is not \(zero.row)")
    }
    #expect(far.steps != zero.steps, "else it did not start elsewhere")
  }

  @Test func aLeastSquaresRowSolvesTheNormalEquationsOfTheSweep() throws {
    let model = try FoldInSample.model(.leastSquares(confidence: 10))
    guard case .factors(let factors) = model.scorer, let seen = model.seen else { return }
    // What training itself computes: an exact sweep of all users.
    let clicks = WeightedRows<Float>(
      offsets: seen.offsets, columns: seen.items, confidences: [Float](repeating: 11, count: seen.count),
      columnCount: seen.itemCount)
    var users = factors.users
    let gram = GramMatrix(of: factors.items.view, count: factors.items.rows, width: factors.items.width)
    _ = Float.solveLeastSquares(
      &users.values, stride: users.stride, from: factors.items.view, gram: gram, clicks: clicks, width: users.width,
      ridge: 0.4, solver: .cholesky)
    let recommender = Recommender(model)
    for user in 0..<model.users.count where !seen.items(of: user).isEmpty {
      let row = try recommender.foldIn(session: seen.items(of: user).map { model.items[Int($0)] }).row
      for column in 0..<users.width {
        #expect(abs(row[column] - users.values[user * users.stride + column]) < 1e-4, "user \(user)")
      }
    }
  }

  @Test(arguments: FoldInSample.losses) func neitherOrderNorRepeatsOfASessionMatter(loss: FoldInObjective.Loss) throws {
    let recommender = Recommender(try FoldInSample.model(loss))
    let once = try recommender.foldIn(session: Self.session)
    let again = try recommender.foldIn(session: Self.session.reversed() + ["i7"])
    #expect(once.row == again.row)
  }

  @Test func unknownItemsAreNamedAndTellNothing() throws {
    let recommender = Recommender(try FoldInSample.model(.lowVariance))
    let known = try recommender.recommend(session: Self.session, count: 5)
    let mixed = try recommender.recommend(session: Self.session + ["nobody-sells-this"], count: 5)
    #expect(mixed.items == known.items)
    #expect(mixed.unknown == ["nobody-sells-this"])
    #expect(!mixed.isFallback)
    #expect(known.items.allSatisfy { !Self.session.contains($0.item) })
    #expect(try recommender.recommend(session: Self.session, count: 30, filterSeen: false).items.count == 30)
  }

  @Test func aSessionOfUnknownItemsGetsTheListForAnybody() throws {
    let model = try FoldInSample.model(.lowVariance)
    guard case .factors(let factors) = model.scorer else { return }
    let list = try Recommender(model).recommend(session: ["unheard-of"], count: 30)
    #expect(list.isFallback)
    #expect(list.unknown == ["unheard-of"] && !list.items.isEmpty)
    // The mean relevance over users, item by item.
    var scores = [Float](repeating: 0, count: 30)
    var means = [Float](repeating: 0, count: 30)
    for user in 0..<25 {
      factors.scores(user: user, items: 0..<30, into: &scores)
      for item in 0..<30 { means[item] += factors.relevance(ofScore: scores[item]) / 25 }
    }
    for entry in list.items {
      let item = try #require(Int(entry.item.dropFirst()))
      #expect(abs(entry.score - means[item]) < 1e-4)
    }
  }

  @Test func whatWasShownAndDeclinedSinks() throws {
    let recommender = Recommender(try FoldInSample.model(.lowVariance))
    let guest = try recommender.guest(session: Self.session)
    let wary = try recommender.guest(session: Self.session, declined: ["i9"])
    let before = try guest.explain(user: Recommender.guestName, item: "i9").relevance
    #expect(try wary.explain(user: Recommender.guestName, item: "i9").relevance < before)
  }

  @Test func theSampleIsTheSameEveryTimeAndLeavesOutWhatIsExcluded() throws {
    guard case .factors(let factors) = try FoldInSample.model(.naive, items: 200).scorer else { return }
    let side = FoldInSide(
      own: factors.users, other: factors.items, intercept: 0, objective: FoldInSample.objective(.naive))
    let excluded: Set<Int32> = [3, 50, 199]
    let part = side.sample(excluding: excluded, limit: 60)
    #expect(part.count == 60 && Set(part).count == 60 && excluded.isDisjoint(with: part))
    #expect(part == side.sample(excluding: excluded, limit: 60))
    #expect(side.sample(excluding: excluded, limit: nil) == (0..<200).filter { !excluded.contains($0) })
    #expect(side.sample(excluding: excluded, limit: 197).count == 197)
  }

  @Test func aSampleStandsForAllItemsWhereTrainingDrawsThem() throws {
    // 900 items, of which the sample sees 400: the rows agree as far as a draw of that size lets them.
    let model = try FoldInSample.model(.lowVariance, items: 900)
    let recommender = Recommender(model)
    let whole = try recommender.foldIn(session: Self.session, sample: 900).row
    let part = try recommender.foldIn(session: Self.session, sample: 400).row
    #expect(whole != part)
    let distance = zip(whole, part).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    let norm = whole.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(distance < 0.2 * norm, "\(distance) of \(norm)")
  }
}
