import Foundation
import LightmeterFeedback
import LightmeterKernels
import Testing

@testable import LightmeterModels

/// A toy whose items have known relevance and exposure, the same for all users.
private struct ItemWorld {
  let relevance: [Double]
  let exposure: [Double]
  let users: Int

  func clicks(seed: UInt64 = 1) -> FeedbackMatrix {
    var generator = SeededGenerator(seed: seed, stream: .world)
    var (userColumn, itemColumn): ([Int32], [Int32]) = ([], [])
    for user in 0..<users {
      for item in relevance.indices where generator.uniform() < relevance[item] * exposure[item] {
        userColumn.append(Int32(user))
        itemColumn.append(Int32(item))
      }
    }
    return FeedbackMatrix(userCount: users, itemCount: relevance.count, users: userColumn, items: itemColumn)
  }

  func slice(showings: Int, seed: UInt64 = 1) -> PairBatch {
    var generator = SeededGenerator(seed: seed, stream: .world, epoch: 1)
    var batch = PairBatch()
    for item in relevance.indices {
      for _ in 0..<showings {
        batch.append(
          user: Int32(generator.below(users)), item: Int32(item),
          feedback: generator.uniform() < relevance[item] ? 1 : 0)
      }
    }
    return batch
  }
}

@Suite struct CalibrationTests {
  private let world = ItemWorld(relevance: [0.5, 0.3, 0.2, 0.4], exposure: [0.1, 0.5, 0.8, 0.3], users: 6000)

  /// As showings and users grow the plain calibration is the true exposure. The relative variance of the ratio is that of
  /// c_i plus that of k_i: (1 − mγ)/(N m γ) + (1 − γ)/(n γ); 4 σ, confidence 99.99 % per item.
  @Test func plainCalibrationRecoversExposure() throws {
    let fitted = try Calibration.plain(clicks: world.clicks(), slice: world.slice(showings: 3000), usesActivity: false)
    for item in 0..<4 {
      let (m, g) = (world.exposure[item], world.relevance[item])
      let relative = (1 - m * g) / (6000 * m * g) + (1 - g) / (3000 * g)
      // κ = 5 pulls γ̂ by at most 5/3005 of its distance to the mean.
      let pull = m * 5 / 3005
      #expect(abs(Double(fitted.exposure(user: 0, item: item)) - m) < 4 * m * relative.squareRoot() + pull)
    }
  }

  @Test func endlessShrinkageMakesExposureProportionalToPopularity() throws {
    let clicks = world.clicks()
    let fitted = try Calibration.plain(
      clicks: clicks, slice: world.slice(showings: 50), usesActivity: false, shrinkage: 1e12)
    let counts = clicks.itemCounts
    for item in 1..<4 {
      let ratio = Double(fitted.exposure(user: 0, item: item)) / Double(fitted.exposure(user: 0, item: 0))
      #expect(abs(ratio - Double(counts[item]) / Double(counts[0])) < 1e-5 * ratio)
    }
  }

  @Test func anItemWithoutRandomShowingGetsTheMeanRate() throws {
    let slice = PairBatch(users: [0, 1, 2, 3], items: [0, 0, 1, 1], feedback: [1, 0, 0, 0])
    for shrinkage in [0.0, 5] {
      let means = try SliceItemMeans(slice: slice, userCount: 6000, itemCount: 4, shrinkage: shrinkage)
      #expect(means.clickRate == 0.25 && means.means[2] == 0.25 && means.means[3] == 0.25)
    }
    let means = try SliceItemMeans(slice: slice, userCount: 6000, itemCount: 4)
    #expect(means.means[0] == Float(2.25 / 7) && means.means[1] == Float(1.25 / 7))
    var scores: [Float] = [0, 0]
    means.scores(user: 9, items: 1..<3, into: &scores)
    #expect(scores == [means.means[1], 0.25])
  }

  @Test func activityScalesExposureWithinItsBounds() throws {
    // Four users with 1, 3, 0 and 4 clicks: activities ½, 1½, 0.1, 2.
    let clicks = FeedbackMatrix(
      userCount: 4, itemCount: 4, users: [0, 1, 1, 1, 3, 3, 3, 3], items: [0, 0, 1, 2, 0, 1, 2, 3])
    let slice = PairBatch(users: [0, 1, 2, 3], items: [0, 1, 2, 3], feedback: [1, 1, 1, 1])
    let fitted = try Calibration.plain(clicks: clicks, slice: slice)
    #expect(fitted.activities == [0.5, 1.5, 0.1, 2])
    // γ̂ = 1 for all items; item 3 has rate ¼.
    #expect(fitted.exposure(user: 0, item: 3) == 0.125 && fitted.exposure(user: 1, item: 3) == 0.375)
    #expect(fitted.exposure(user: 3, item: 0) == 0.97)
    let bare = try Calibration.plain(clicks: clicks, slice: slice, usesActivity: false)
    #expect(bare.exposure(user: 2, item: 3) == 0.25)
  }

  @Test func regressedCalibrationFollowsThePrintedFormula() throws {
    let clicks = world.clicks()
    let slice = world.slice(showings: 30)
    let (exposure, regression) = try Calibration.regressed(clicks: clicks, slice: slice)
    let (user, item) = (17, 2)
    var (clicked, expected) = (0.0, 0.0)
    for k in slice.users.indices where slice.items[k] == Int32(item) {
      clicked += Double(slice.feedback[k])
      expected += regression.relevance(user: Int(slice.users[k]), item: item)
    }
    let relevance = regression.relevance(user: user, item: item) * (clicked + 5) / (expected + 5)
    let activity = Double(clicks.items(of: user).count) / (Double(clicks.count) / 6000)
    let m = Double(clicks.itemCounts[item]) / 6000 * activity / relevance
    #expect(abs(Double(exposure.relevance.relevance(user: user, item: item)) - relevance) < 1e-6)
    #expect(abs(Double(exposure.exposure(user: user, item: item)) - min(max(m, 0.003), 0.97)) < 1e-6)
  }

  @Test func everyWayOfAskingGivesTheSameBytesAndSurvivesJSON() throws {
    for form in Calibration.Form.allCases {
      let fitted = try Calibration.exposure(form, clicks: world.clicks(), slice: world.slice(showings: 20))
      var (row, listed): ([Float], [Float]) = ([0, 0, 0, 0], [0, 0, 0, 0])
      fitted.exposures(user: 11, items: 0..<4, into: &row)
      fitted.exposures(users: [11, 11, 11, 11], items: [0, 1, 2, 3], into: &listed)
      #expect(row == listed && row == (0..<4).map { fitted.exposure(user: 11, item: $0) })
      #expect(row.allSatisfy { CalibratedExposure.range.contains($0) })
      let again = try JSONDecoder().decode(CalibratedExposure.self, from: JSONEncoder().encode(fitted))
      #expect(again == fitted)
      var scores = row
      fitted.relevance.scores(user: 11, items: 0..<4, into: &scores)
      #expect(scores[1] == fitted.relevance.relevance(user: 11, item: 1))
    }
  }

  @Test func slicesThatSayNothingAreRefused() {
    let clicks = FeedbackMatrix(userCount: 2, itemCount: 2, users: [0], items: [0])
    #expect(throws: CalibrationError.emptySlice) { try Calibration.plain(clicks: clicks, slice: PairBatch()) }
    let silent = PairBatch(users: [0, 1], items: [0, 1], feedback: [0, 0])
    #expect(throws: CalibrationError.noClick(pairs: 2)) { try Calibration.plain(clicks: clicks, slice: silent) }
    let loud = PairBatch(users: [0, 1], items: [0, 1], feedback: [1, 1])
    #expect(throws: CalibrationError.onlyClicks(pairs: 2)) { try Calibration.regressed(clicks: clicks, slice: loud) }
  }
}
