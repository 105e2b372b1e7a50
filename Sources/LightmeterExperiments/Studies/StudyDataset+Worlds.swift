internal import LightmeterEvaluation
internal import LightmeterFeedback
internal import LightmeterKernels

extension StudyDataset {
  /// A world: trained on the clicks of the seed's draw, tested against the true relevance of unclicked pairs.
  static func openWorld(_ description: StudyData, folder: String) throws -> StudyDataset {
    var files: [String] = []
    let world: any World
    switch description.world {
    case .fitted(let fitted):
      let file = path(description, folder)
      files = [file]
      let reader = InteractionReader(options: ReadOptions(preset: fitted.form))
      let ratings = try reader.read(path: file).interactions
      guard let values = ratings.ratings else {
        throw StudyError.file(
          path: file,
          reason: "it has no rating column, and a world is fitted to ratings; name another file, or its form")
      }
      let kept = fitted.filter.apply(
        users: ratings.userColumn, items: ratings.itemColumn, userCount: ratings.users.count,
        itemCount: ratings.items.count)
      guard kept.userCount > 1, kept.itemCount > 1 else {
        throw StudyError.file(
          path: file,
          reason: "\(kept.userCount) users and \(kept.itemCount) items are left by leastPerUser and leastPerItem")
      }
      world = try SemiSyntheticWorld(
        users: kept.users, items: kept.items, ratings: kept.rows.map { values[$0] },
        userCount: kept.userCount, itemCount: kept.itemCount, threshold: fitted.threshold, fit: fitted.fit,
        transform: fitted.transform, seed: fitted.seed)
    case .clean(let parameters): world = try CleanWorld(parameters)
    case nil: throw StudyError.missingKey("kind", at: description.label)
    }
    let statistics = WorldStatistics(world, clicks: WorldDraws(world).clicks())
    let share = description.slice
    return StudyDataset(
      description: description, digest: try digest(description, files: files),
      facts: "\(world.userCount) users × \(world.itemCount) items; " + sentence(statistics), world: world,
      statistics: statistics,
      source: { seed in
        let draws = WorldDraws(world, seed: seed)
        let clicks = draws.clicks()
        let log = FeedbackLog(
          userCount: world.userCount, itemCount: world.itemCount,
          positives: ListedPairs(users: (0..<clicks.count).map { Int32(clicks.user(at: $0)) }, items: clicks.items))
        let cells = Double(world.userCount * world.itemCount)
        return StudySource(log: log, slice: share > 0 ? draws.randomTraffic(count: Int(share * cells)) : nil)
      },
      test: { seed in
        let draws = WorldDraws(world, seed: seed)
        let clicks = draws.clicks()
        let truth = TrueRelevanceTest(userCount: world.userCount, itemCount: world.itemCount, seen: clicks) {
          user, items, probabilities in world.scores(user: user, items: items, into: &probabilities)
        }
        guard description.drawsLabels else { return .truth(truth) }
        return .drawn(CatalogueTest(relevant: draws.relevantPairs().without(clicks), seen: clicks), truth)
      })
  }

  private static func sentence(_ world: WorldStatistics) -> String {
    func three(_ value: Double) -> String { NumberText.fixed(value, places: 3) }
    return "mean exposure \(three(world.meanExposure)), mean relevance \(three(world.meanRelevance)), correlation "
      + "\(three(world.correlation)); a draw has \(world.clicks) clicks and \(world.itemsWithoutClick) items without; "
      + "exposure correlation of popularity \(three(world.popularityCorrelation)), ceiling of any exposure that is "
      + "the same for all users \(three(world.itemOnlyCeiling))"
  }

  /// Any log, split by rows; pairs seen in training are no candidates of the test.
  static func openLog(_ description: StudyData, folder: String) throws -> StudyDataset {
    guard let how = description.log else { throw StudyError.missingKey("kind", at: description.label) }
    let file = path(description, folder)
    let all = try InteractionReader(options: ReadOptions(preset: how.form)).read(path: file).interactions
    let rule = try how.positive ?? how.form?.positiveRule(for: all) ?? all.onlyPositiveRule(file: file)
    let labels = try rule.apply(to: all, file: file)
    let split: RowSplit
    switch how.split {
    case .random: split = try Splits.randomPerUser(all, fraction: how.share, seed: how.seed)
    case .temporal: split = try Splits.temporal(all, fraction: how.share)
    case .last: split = try Splits.lastPerUser(all, count: max(1, Int(how.share)))
    }
    let log = FeedbackLog(all, rows: split.train) { labels[$0] != 0 }
    return StudyDataset(
      description: description, digest: try digest(description, files: [file]),
      facts: "\(all.count) rows of \(log.userCount) users and \(log.itemCount) items, positive: \(rule). "
        + split.protocolDescription,
      world: nil, testIsOne: true, source: { _ in StudySource(log: log, slice: nil) },
      test: { _ in
        let seen = FeedbackMatrix(
          userCount: log.userCount, itemCount: log.itemCount, users: log.positives.users, items: log.positives.items)
        let held = split.test.filter {
          labels[Int($0)] != 0 && !seen.contains(user: Int(all.userColumn[Int($0)]), item: all.itemColumn[Int($0)])
        }
        return .catalogue(
          CatalogueTest(
            relevant: FeedbackMatrix(
              userCount: log.userCount, itemCount: log.itemCount, users: held.map { all.userColumn[Int($0)] },
              items: held.map { all.itemColumn[Int($0)] }),
            seen: seen))
      })
  }
}
