internal import LightmeterEvaluation
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import Synchronization

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A data set of a study, read and ready to give training data and a test for any seed.
struct StudyDataset: Sendable {
  let description: StudyData
  /// Digest of the files' bytes and of the description.
  let digest: String
  /// What it holds, in a sentence.
  let facts: String
  /// The world behind it, where there is one.
  let world: (any World)?
  /// What the world is like, where there is one.
  var statistics: WorldStatistics?
  /// The log that is learned from, and the random traffic, for a seed.
  let source: @Sendable (_ seed: UInt64) throws -> StudySource
  /// Whether the test is the same for every seed, so that it is read once.
  var testIsOne = false
  /// Reads the test for a seed.
  fileprivate let read: @Sendable (_ seed: UInt64) throws -> StudyTest
  private let kept = KeptTest()

  init(
    description: StudyData, digest: String, facts: String, world: (any World)?, statistics: WorldStatistics? = nil,
    testIsOne: Bool = false, source: @escaping @Sendable (_ seed: UInt64) throws -> StudySource,
    test: @escaping @Sendable (_ seed: UInt64) throws -> StudyTest
  ) {
    (self.description, self.digest, self.facts, self.world) = (description, digest, facts, world)
    (self.statistics, self.testIsOne, self.source, read) = (statistics, testIsOne, source, test)
  }

  /// The test, for a seed; asked for after tuning only, and read once where all seeds share it.
  func test(_ seed: UInt64) throws -> StudyTest {
    testIsOne ? try kept.value { try read(seed) } : try read(seed)
  }

  /// How often the test was read.
  var testReads: Int { kept.reads }
}

/// A test that is read when it is first asked for.
private final class KeptTest: Sendable {
  private let state = Mutex<(test: StudyTest?, reads: Int)>((nil, 0))

  var reads: Int { state.withLock { $0.reads } }

  func value(_ read: () throws -> StudyTest) throws -> StudyTest {
    try state.withLock { state in
      if let test = state.test { return test }
      let test = try read()
      state = (test, state.reads + 1)
      return test
    }
  }
}

/// What is learned from.
struct StudySource: Sendable {
  var log: FeedbackLog
  var slice: PairBatch?
}

/// What models are scored on.
enum StudyTest: Sendable {
  case rated(RatedTest)
  case catalogue(CatalogueTest)
  case truth(TrueRelevanceTest)
  /// Drawn labels, and beside them the probabilities that they were drawn from.
  case drawn(CatalogueTest, TrueRelevanceTest)
}

/// Training data of one run, with the pairs that only choose.
struct StudyTraining: Sendable {
  var data: TrainingData
  var selection: PairBatch?
  var summary: TrainingDataSummary
}

extension StudyDataset {
  /// Training data of a run.
  ///
  /// With a slice, two thirds calibrate and validate, one third only chooses; the cut belongs to the seed.
  func training(stream: TrainingStream?, validation: StudyMethod.Validation, seed: UInt64) throws -> StudyTraining {
    let source = try source(seed)
    let split = source.slice.map { SliceSplit($0, seed: seed) }
    var carved = ValidationSource.carved(fraction: description.activeUsers, reading: description.reading)
    switch validation {
    case .standard: if let split { carved = .given(split.fitting) }
    case .rated: carved = .carved(fraction: description.activeUsers, reading: .rated)
    case .unrated: carved = .carved(fraction: description.activeUsers, reading: .unrated)
    case .slice:
      guard let split else {
        throw StudyError.badValue(at: "validation", value: "slice", allowed: "a slice where the data set has one")
      }
      carved = .given(split.fitting)
    }
    let options = TrainingDataOptions(
      stream: stream, validation: carved, hyperValidationFraction: description.hyperValidation, seed: seed)
    var (data, summary) = try TrainingDataBuilder.build(source.log, options: options)
    data.randomTraffic = split?.fitting
    data.trueExposure = world
    return StudyTraining(data: data, selection: split?.selection, summary: summary)
  }

  /// Reads what the description names.
  static func open(_ description: StudyData, folder: String) throws -> StudyDataset {
    switch description.kind {
    case .coat: try openRated(description, folder: folder, .coat)
    case .yahooR3: try openRated(description, folder: folder, .yahooR3)
    case .kuaiRecBlock: try openKuaiRec(description, folder: folder)
    case .movieLensWorld, .ratingsWorld, .cleanWorld: try openWorld(description, folder: folder)
    case .log: try openLog(description, folder: folder)
    }
  }

  /// The first file of a data set that does not exist; nil if all do.
  static func missingFile(_ description: StudyData, folder: String) -> String? {
    let base = path(description, folder)
    let files: [String]
    switch description.kind {
    case .coat: files = [RatedFiles.coat.train, RatedFiles.coat.test].map { "\(base)/\($0)" }
    case .yahooR3: files = [RatedFiles.yahooR3.train, RatedFiles.yahooR3.test].map { "\(base)/\($0)" }
    case .kuaiRecBlock: files = ["train_positives.csv", "test_positives.csv"].map { "\(base)/\($0)" }
    case .movieLensWorld, .ratingsWorld, .log: files = [base]
    case .cleanWorld: files = []
    }
    return files.first { !FileManager.default.fileExists(atPath: $0) }
  }

  static func path(_ description: StudyData, _ folder: String) -> String {
    let path = description.path ?? ""
    return path.hasPrefix("/") ? path : "\(folder)/\(path)"
  }

  static func digest(_ description: StudyData, files: [String]) throws -> String {
    var hash = XXH64()
    for file in files {
      do { hash.update([UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))) } catch {
        throw StudyError.file(
          path: file,
          reason: "it does not exist or may not be read; --data (or LIGHTMETER_DATA) names the folder with the data")
      }
    }
    hash.update(description.canonical)
    return hex(hash.finish())
  }

  static func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension FeedbackMatrix {
  /// The pairs that `other` does not hold.
  func without(_ other: FeedbackMatrix) -> FeedbackMatrix {
    var (users, kept): ([Int32], [Int32]) = ([], [])
    for user in 0..<userCount {
      for item in items(of: user) where !other.contains(user: user, item: item) {
        users.append(Int32(user))
        kept.append(item)
      }
    }
    return FeedbackMatrix(userCount: userCount, itemCount: itemCount, users: users, items: kept)
  }
}

// MARK: - Rated tests

/// A data set of ratings that users chose, with a test of ratings of items drawn at random.
struct RatedFiles: Sendable {
  let name: String
  let preset: DataPreset
  let train: String
  let test: String

  static let coat = RatedFiles(name: "Coat", preset: .coat, train: "train.ascii", test: "test.ascii")
  static let yahooR3 = RatedFiles(
    name: "Yahoo! R3", preset: .yahooR3, train: "ydata-ymusic-rating-study-v1_0-train.txt",
    test: "ydata-ymusic-rating-study-v1_0-test.txt")
}

extension StudyDataset {
  private static func openRated(
    _ description: StudyData, folder: String, _ files: RatedFiles
  ) throws -> StudyDataset {
    let base = path(description, folder)
    let (trainFile, testFile) = ("\(base)/\(files.train)", "\(base)/\(files.test)")
    let digest = try digest(description, files: [trainFile, testFile])
    let reader = InteractionReader(options: ReadOptions(preset: files.preset))
    let train = try reader.read(path: trainFile).interactions
    let ratings = train.ratings ?? []
    let log = FeedbackLog(train) { ratings[$0] >= 4 }
    return StudyDataset(
      description: description, digest: digest,
      facts: "\(files.name): \(train.count) biased ratings of \(log.userCount) users and \(log.itemCount) items, "
        + "\(log.positives.count) of them ≥ 4",
      world: nil, testIsOne: true, source: { _ in StudySource(log: log, slice: nil) },
      test: { _ in
        let test = try reader.read(path: testFile, users: train.users, items: train.items).interactions
        // Users and items that training never saw have no scores; the study cannot rank them.
        guard test.users.count == log.userCount, test.items.count == log.itemCount else {
          throw StudyError.file(
            path: testFile, reason: "it has users or items that \(trainFile) lacks, so no model can score them")
        }
        let ratings = test.ratings ?? []
        return .rated(
          try RatedTest(
            userCount: test.users.count, itemCount: test.items.count, users: test.userColumn, items: test.itemColumn,
            labels: ratings.map { $0 >= 4 ? 1 : 0 }, ratings: ratings))
      })
  }
}

// MARK: - KuaiRec

extension StudyDataset {
  /// The fully observed block: the users and videos of the test file, and the pairs that are positive.
  private struct Block: Sendable {
    let users: [Int32]
    let items: [Int32]
    let relevant: FeedbackMatrix

    /// A random share of the block's pairs with their feedback.
    func slice(_ share: Double, seed: UInt64) -> PairBatch {
      let cells = users.count * items.count
      let order = KeyedPermutation(count: cells, key: SeededGenerator.key(seed: seed, stream: .split, shard: 7))
      var batch = PairBatch()
      for position in 0..<Int((share * Double(cells)).rounded(.down)) {
        let cell = order(position)
        let (user, item) = (users[cell / items.count], items[cell % items.count])
        batch.append(user: user, item: item, feedback: relevant.contains(user: Int(user), item: item) ? 1 : 0)
      }
      return batch
    }
  }

  private static func openKuaiRec(_ description: StudyData, folder: String) throws -> StudyDataset {
    let base = path(description, folder)
    let (trainFile, testFile) = ("\(base)/train_positives.csv", "\(base)/test_positives.csv")
    let digest = try digest(description, files: [trainFile, testFile])
    let reader = InteractionReader(options: ReadOptions(preset: .kuaiRec))
    let train = try reader.read(path: trainFile).interactions
    let test = try reader.read(path: testFile, users: train.users, items: train.items).interactions
    let (userCount, itemCount) = (test.users.count, test.items.count)
    let positives = FeedbackMatrix(
      userCount: userCount, itemCount: itemCount, users: train.userColumn, items: train.itemColumn)
    let log = FeedbackLog(
      userCount: userCount, itemCount: itemCount,
      positives: ListedPairs(users: (0..<positives.count).map { Int32(positives.user(at: $0)) }, items: positives.items)
    )
    let block = Block(
      users: Set(test.userColumn).sorted(), items: Set(test.itemColumn).sorted(),
      relevant: FeedbackMatrix(
        userCount: userCount, itemCount: itemCount, users: test.userColumn, items: test.itemColumn))
    let share = description.slice
    return StudyDataset(
      description: description, digest: digest,
      facts: "KuaiRec: \(train.count) rows, \(positives.count) distinct positive pairs of \(userCount) users and "
        + "\(itemCount) videos; block of \(block.users.count) × \(block.items.count) pairs, "
        + "\(block.relevant.count) positive",
      world: nil, testIsOne: share == 0,
      source: { seed in StudySource(log: log, slice: share > 0 ? block.slice(share, seed: seed) : nil) },
      test: { seed in
        guard share > 0 else {
          return .catalogue(CatalogueTest(relevant: block.relevant, candidates: block.items, users: block.users))
        }
        let slice = block.slice(share, seed: seed)
        let taken = FeedbackMatrix(
          userCount: userCount, itemCount: itemCount, users: slice.users, items: slice.items)
        let relevant = block.relevant.without(taken)
        return .catalogue(
          CatalogueTest(relevant: relevant, candidates: block.items, seen: taken, users: block.users))
      })
  }
}
