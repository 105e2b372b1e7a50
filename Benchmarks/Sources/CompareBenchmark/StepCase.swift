import Lightmeter
import StandardCase

/// The methods that the reference programs train too.
enum StepMethod: String, CaseIterable {
  case mf, relmf, umf, biif

  var estimator: any Estimator {
    switch self {
    case .mf: Naive()
    case .relmf: InversePropensity()
    case .umf, .biif: LowVariance()
    }
  }

  var strategy: Strategy { self == .biif ? .bilevel(Bilevel()) : .fixed }

  func exposure<S: TrainingScalar>(_ data: TrainingData) -> any ExposureModel<S> {
    switch self {
    case .mf: FixedExposure(.constant(1))
    case .relmf, .umf: FixedExposure(.perItem(data.popularity))
    case .biif:
      BlendedExposure<S>(
        userCount: data.userCount, dimension: StandardCase.dimension, popularity: data.popularity.map { S($0) },
        seed: 1)
    }
  }
}

/// One method with one optimizer on the standard case, its state kept from run to run.
final class StepCase<S: TrainingScalar> {
  private let data: TrainingData
  private(set) var trainer: Trainer<S>
  private let inputs: StepInputs
  private let batchCount: Int
  private var input = StepInput()
  private var steps = 0

  /// `name` is a method's, or `METHOD-lazy` for the same with `LazyAdam`; nil for any other text.
  init?(_ name: String, data: TrainingData) {
    let isLazy = name.hasSuffix("-lazy")
    guard let method = StepMethod(rawValue: isLazy ? String(name.dropLast(5)) : name) else { return nil }
    self.data = data
    let sampler = BatchSampler(data: data, batchSize: StandardCase.batchSize, seed: 1)
    batchCount = sampler.batchCount
    inputs = StepInputs(
      sampler, userCount: data.userCount, itemCount: data.itemCount, strategy: method.strategy,
      estimator: method.estimator)
    let backbone = MatrixFactorization<S>(
      userCount: data.userCount, itemCount: data.itemCount, dimension: StandardCase.dimension, seed: 1)
    let exposure: any ExposureModel<S> = method.exposure(data)
    let inner = OptimizerSettings(learningRate: 1e-3, weightDecay: 1e-6, biasDecay: 0)
    let outer = OptimizerSettings(learningRate: 1e-4, weightDecay: 0, biasDecay: 0)
    func optimizer(_ settings: OptimizerSettings, _ tables: [Table<S>]) -> any Optimizer<S> {
      isLazy ? LazyAdam<S>(settings, for: tables) : Adam<S>(settings, for: tables)
    }
    trainer = Trainer(
      backbone: backbone, exposure: exposure, estimator: method.estimator, strategy: method.strategy,
      inner: optimizer(inner, backbone.tables), outer: optimizer(outer, exposure.tables), userCount: data.userCount,
      itemCount: data.itemCount)
    inputs.begin(epoch: 0, index: 0, validation: data.validation, measured: true)
  }

  /// Takes a step on the next batch, while the one after it is drawn; every call draws one and steps once.
  @discardableResult
  func step() -> StepRecord {
    inputs.take(&input)
    steps += 1
    // Gradient norms and the loss of all validation pairs as often as a training run takes them.
    inputs.begin(epoch: 0, index: steps % batchCount, validation: data.validation, measured: steps % 16 == 0)
    return trainer.step(on: &input)
  }

  /// The tables without the padding of their rows, under the names of the exchange files.
  var tables: [(name: String, shape: [Int], values: [S])] {
    zip(["users", "items", "exposure_users", "gate"], trainer.backbone.tables + trainer.exposure.tables).map {
      name, table in
      let values = (0..<table.rows).flatMap { row in
        table.values[row * table.stride..<row * table.stride + table.width]
      }
      return (name, [table.rows, table.width], values)
    }
  }
}
