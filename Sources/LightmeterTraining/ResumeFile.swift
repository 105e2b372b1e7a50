#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
public import LightmeterKernels
public import LightmeterModels

/// The resume state as a file beside the model: the same container, deleted when the run ends well.
public struct ResumeFile: Sendable {
  // Raised when the tensors change; a file of another format cannot be gone on from. Files before 2 say none.
  private static let format = 2

  private struct Manifest: Codable {
    var format: Int?
    var fingerprint: String
    var epochsDone: Int
    var history: [EpochRecord]
  }

  /// Where it stands.
  public let path: String
  /// What must be equal for a run to go on: recipe, seed and data digest, in any stable form.
  public let fingerprint: String

  /// The resume file of a run.
  public init(path: String, fingerprint: String) { (self.path, self.fingerprint) = (path, fingerprint) }

  /// Writes the state whole or not at all.
  public func write(_ state: TrainingState) throws {
    var tensors: [String: Tensor] = [:]
    let levels = [
      ("model", state.modelTables, state.modelOptimizer), ("exposure", state.exposureTables, state.exposureOptimizer),
    ]
    for (level, tables, optimizers) in levels {
      for (index, table) in tables.enumerated() {
        let name = "\(level).\(index)"
        let shape = [table.rows, table.stride]
        tensors[name] = .float32(table.values, shape: shape)
        tensors[name + ".moments"] = .float32(optimizers[index].moments.values, shape: [table.rows, 2 * table.stride])
        tensors[name + ".steps"] = .int32(optimizers[index].steps, shape: [optimizers[index].steps.count])
      }
    }
    let manifest = Manifest(
      format: Self.format, fingerprint: fingerprint, epochsDone: state.epochsDone, history: state.history)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let text = String(decoding: try encoder.encode(manifest), as: UTF8.self)
    try ModelContainer(manifest: text, tensors: tensors).write(to: path)
  }

  /// Reads the state for a run whose tables have the given layouts.
  ///
  /// - Throws: ``TrainingError/resume(_:)`` when the file belongs to another run; `ModelFileError` when it is broken.
  public func read(modelLayouts: [Table<Float>], exposureLayouts: [Table<Float>]) throws -> TrainingState {
    let container = try ModelContainer.read(path)
    guard let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(container.manifest.utf8)) else {
      throw TrainingError.resume("\(path) is a model, not a resume state")
    }
    guard manifest.format == Self.format else {
      throw TrainingError.resume("\(path) was written by another version of Lightmeter; remove it to start anew")
    }
    guard manifest.fingerprint == fingerprint else {
      throw TrainingError.resume("\(path) belongs to a run with other data, recipe or seed; remove it to start anew")
    }
    func level(_ name: String, _ layouts: [Table<Float>]) throws -> ([Table<Float>], [OptimizerState<Float>]) {
      var (tables, optimizers): ([Table<Float>], [OptimizerState<Float>]) = ([], [])
      for (index, layout) in layouts.enumerated() {
        let shape = [layout.rows, layout.stride]
        let key = "\(name).\(index)"
        tables.append(Table(like: layout, rows: layout.rows, values: try container.float32(key, shape: shape)))
        let moments = try container.float32(key + ".moments", shape: [layout.rows, 2 * layout.stride])
        optimizers.append(
          OptimizerState(moments: AdamMoments(values: moments), steps: try container.int32(key + ".steps")))
      }
      return (tables, optimizers)
    }
    let model = try level("model", modelLayouts)
    let exposure = try level("exposure", exposureLayouts)
    return TrainingState(
      epochsDone: manifest.epochsDone, modelTables: model.0, exposureTables: exposure.0, modelOptimizer: model.1,
      exposureOptimizer: exposure.1, history: manifest.history)
  }

  /// Removes the file, if it is there.
  public func remove() { try? FileManager.default.removeItem(atPath: path) }
  /// Whether there is one.
  public var exists: Bool { FileManager.default.fileExists(atPath: path) }
}
