import LightmeterFeedback
import LightmeterKernels
import Testing

@testable import LightmeterModels

@Suite struct SliceRegressionTests {
  private let problem = LogisticRidge(
    first: [-1, 0.5, 2, -0.3, 1, 0], second: [0.2, -1, 0.4, 0.9, -0.5, 0], labels: [0, 1, 1, 0, 0, 1],
    groups: [0, 0, 1, 1, 2, 2])

  /// Central differences with step ε^(1/3): error of order step², about 4e-11, times third derivatives below 20.
  @Test func gradientAndHessianAreTheDerivativesOfTheObjective() {
    let step = 6e-6
    for beta in [[0, 0, 0], [-1.2, 0.7, -0.4], [3, -2, 1.0]] {
      let (gradient, hessian) = (problem.gradient(beta), problem.hessian(beta))
      let places = [[0, 1, 2], [1, 3, 4], [2, 4, 5]]
      for k in 0..<3 {
        var (up, down) = (beta, beta)
        up[k] += step
        down[k] -= step
        #expect(abs((problem.objective(up) - problem.objective(down)) / (2 * step) - gradient[k]) < 1e-8)
        let (a, b) = (problem.gradient(up), problem.gradient(down))
        for j in 0..<3 { #expect(abs((a[j] - b[j]) / (2 * step) - hessian[places[k][j]]) < 1e-8) }
      }
    }
  }

  @Test func theSolutionIsStationary() throws {
    let beta = try problem.solve()
    #expect(problem.gradient(beta).allSatisfy { abs($0) < 1e-9 })
    for move in [[1e-3, 0, 0], [0, 1e-3, 0], [0, 0, -1e-3]] {
      #expect(problem.objective(zip(beta, move).map(+)) > problem.objective(beta))
    }
  }

  /// One covariate ±1 with two clicked and two unclicked pairs mirrored: β₀ = 0 by symmetry and β₁ solves
  /// 2 · 3 σ(−β) − 2 σ(β) = β, written out for labels (1,1,1,0) at +1 and (0,0,0,1) at −1.
  @Test func aMirroredExampleIsSolvedByHand() throws {
    let mirrored = LogisticRidge(
      first: [1, 1, 1, 1, -1, -1, -1, -1], second: [Double](repeating: 0, count: 8), labels: [1, 1, 1, 0, 0, 0, 0, 1],
      groups: [0, 0, 1, 1, 2, 2, 3, 3])
    let beta = try mirrored.solve()
    #expect(abs(beta[0]) < 1e-12 && beta[2] == 0)
    let p = Portable.sigmoid(beta[1])
    #expect(abs(6 * (1 - p) - 2 * p - beta[1]) < 1e-10)
    // H is diagonal: 8 p(1−p) for β₀, 8 p(1−p) + 1 for β₁, 1 for β₂.
    let errors = mirrored.covariance(at: beta, groupCount: 4).model
    #expect(abs(errors[0] - 1 / (8 * p * (1 - p)).squareRoot()) < 1e-12)
    #expect(abs(errors[1] - 1 / (8 * p * (1 - p) + 1).squareRoot()) < 1e-12 && errors[2] == 1)
    // Groups at +1 score (2, 2)(1 − p) and (1 − 2p, …); the sandwich is (Σ g₁²) / H₁₁².
    let (a, b) = (2 * (1 - p), 1 - 2 * p)
    let clustered = mirrored.covariance(at: beta, groupCount: 4).clustered[1]
    #expect(abs(clustered - (2 * (a * a + b * b)).squareRoot() / (8 * p * (1 - p) + 1)) < 1e-12)
  }

  /// A log whose clicks per item follow the slice's odds: β₁ is 1 within 4 of its own standard errors (99.99 %).
  @Test func deservedPopularityReadsAsOneAndShownPopularityAsZero() throws {
    let (users, items) = (400, 60)
    let appeal = (0..<items).map { 0.02 + 0.003 * Double($0) }
    var generator = SeededGenerator(seed: 4, stream: .world)
    var deserved: ([Int32], [Int32]) = ([], [])
    var slice = PairBatch()
    var flat = PairBatch()
    for user in 0..<users {
      for item in 0..<items {
        if generator.uniform() < appeal[item] {
          deserved.0.append(Int32(user))
          deserved.1.append(Int32(item))
        }
        if generator.uniform() < 0.3 {
          let clicked = generator.uniform()
          slice.append(user: Int32(user), item: Int32(item), feedback: clicked < appeal[item] ? 1 : 0)
          flat.append(user: Int32(user), item: Int32(item), feedback: clicked < 0.1 ? 1 : 0)
        }
      }
    }
    let log = FeedbackMatrix(userCount: users, itemCount: items, users: deserved.0, items: deserved.1)
    let one = try SliceRegression(clicks: log, slice: slice)
    #expect(abs(one.popularity - 1) < 4 * one.popularityError && one.popularity > 4 * one.popularityError)
    let zero = try SliceRegression(clicks: log, slice: flat)
    #expect(abs(zero.popularity) < 4 * zero.popularityError)
    #expect(one.pairsNeeded(forPopularityError: one.popularityError / 2) == 4 * slice.count)
  }
}

@Suite struct SliceSelectionTests {
  @Test func splitsAreSeededDisjointAndKeepEveryPair() {
    var slice = PairBatch(knownExposures: [])
    for k in 0..<100 { slice.append(user: Int32(k), item: Int32(k % 7), feedback: UInt8(k % 2), knownExposure: 1) }
    let split = SliceSplit(slice, seed: 3)
    #expect(split.fitting.count == 67 && split.selection.count == 33)
    #expect(Set(split.fitting.users).union(split.selection.users).count == 100)
    #expect(split == SliceSplit(slice, seed: 3) && split != SliceSplit(slice, seed: 4))
    for k in split.selection.users.indices {
      #expect(split.selection.items[k] == split.selection.users[k] % 7)
      #expect(split.selection.feedback[k] == UInt8(split.selection.users[k] % 2))
    }
    #expect(split.selection.knownExposures?.count == 33)
  }

  @Test func pooledAUCCountsPairsInOrderAndHalvesTies() {
    let scores: [Float] = [3, 1, 2, 2, 5, 0]
    let feedback: [UInt8] = [1, 0, 1, 0, 0, 1]
    var (wins, pairs) = (0.0, 0.0)
    for a in 0..<6 where feedback[a] == 1 {
      for b in 0..<6 where feedback[b] == 0 {
        pairs += 1
        wins += scores[a] > scores[b] ? 1 : scores[a] == scores[b] ? 0.5 : 0
      }
    }
    #expect(SliceSelection.pooledAUC(scores: scores, feedback: feedback) == wins / pairs)
    #expect(SliceSelection.pooledAUC(scores: [1, 2], feedback: [1, 1]) == nil)
    #expect(SliceSelection.pooledAUC(scores: scores.map { $0 * 7 - 2 }, feedback: feedback) == wins / pairs)
  }

  @Test func likelihoodIsBestAtTheTrueRate() {
    let feedback: [UInt8] = [1, 0, 0, 0]
    let at = { (p: Float) in
      SliceSelection.meanLogLikelihood(probabilities: [p, p, p, p], feedback: feedback)
    }
    #expect(at(0.25) > at(0.2) && at(0.25) > at(0.3))
    #expect(abs(at(0.5) + Portable.log(2)) < 1e-12)
    #expect(at(0).isFinite && at(1).isFinite)
  }

  @Test func scoresOfPairsAreThoseOfTheScorer() throws {
    let slice = PairBatch(users: [0, 1, 0], items: [2, 0, 1], feedback: [1, 0, 0])
    let means = try SliceItemMeans(slice: slice, userCount: 2, itemCount: 3)
    #expect(SliceSelection.scores(of: means, for: slice) == [2, 0, 1].map { means.means[$0] })
  }
}
