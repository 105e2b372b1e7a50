import Lightmeter
import StandardCase

/// Writes what the reference programs start from and must arrive at.
struct StepExport {
  let folder: NumpyFolder
  let data: TrainingData
  /// How many steps the programs must agree on.
  let agreedSteps = 5

  func write() throws {
    try writeBatches()
    try folder.write(data.validation.users, shape: [data.validation.count], as: "validation_users")
    try folder.write(data.validation.items, shape: [data.validation.count], as: "validation_items")
    try folder.write(data.validation.feedback, shape: [data.validation.count], as: "validation_feedback")
    try folder.write(data.popularity, shape: [data.itemCount], as: "popularity")
    for method in StepMethod.allCases {
      try writeSteps(method, Double.self, as: "lightmeter")
      try writeSteps(method, Float.self, as: "lightmeter-float")
    }
  }

  /// The batches of one epoch; a batch is padded with pairs (0, 0) to the full size, `counts` has its true one.
  private func writeBatches() throws {
    let sampler = BatchSampler(data: data, batchSize: StandardCase.batchSize, seed: 1)
    var (users, items, feedback, counts): ([Int32], [Int32], [UInt8], [Int32]) = ([], [], [], [])
    var batch = PairBatch()
    for index in 0..<sampler.batchCount {
      sampler.fill(&batch, epoch: 0, index: index)
      counts.append(Int32(batch.count))
      let missing = StandardCase.batchSize - batch.count
      users += batch.users + [Int32](repeating: 0, count: missing)
      items += batch.items + [Int32](repeating: 0, count: missing)
      feedback += batch.feedback + [UInt8](repeating: 0, count: missing)
    }
    let shape = [sampler.batchCount, StandardCase.batchSize]
    try folder.write(users, shape: shape, as: "batch_users")
    try folder.write(items, shape: shape, as: "batch_items")
    try folder.write(feedback, shape: shape, as: "batch_feedback")
    try folder.write(counts, shape: [counts.count], as: "batch_counts")
  }

  private func writeSteps<S: TrainingScalar & NumpyElement>(
    _ method: StepMethod, _: S.Type, as program: String
  ) throws {
    guard let run = StepCase<S>(method.rawValue, data: data) else { return }
    if S.self == Double.self {
      for table in run.tables { try folder.write(table.values, shape: table.shape, as: "initial.\(table.name)") }
    }
    let losses = (0..<agreedSteps).map { _ in run.step().trainingLoss }
    try folder.write(losses, shape: [agreedSteps], as: "\(program).\(method).losses")
    for table in run.tables {
      try folder.write(table.values, shape: table.shape, as: "\(program).\(method).\(table.name)")
    }
  }
}
