internal import ArgumentParser
internal import LightmeterEvaluation
internal import LightmeterExperiments
internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels
internal import LightmeterServing
internal import LightmeterTraining

/// The exit codes, from sysexits.h; `lightmeter --help` lists them.
enum ExitStatus {
  static let declined: Int32 = 1
  static let usage: Int32 = 64
  static let badData: Int32 = 65
  static let noInput: Int32 = 66
  static let failed: Int32 = 70
  static let cannotWrite: Int32 = 73
  static let inputOutput: Int32 = 74
  static let resumable: Int32 = 75
  static let interrupted: Int32 = 130

  static let help = """
    EXIT CODES: 0 done, 1 an update made things worse and was not written, 64 usage, 65 bad data, 66 no such input, 70 diverged or internal, 73 cannot write,
    74 input/output, 75 interrupted and resumable, 130 interrupted with nothing to resume.
    """

  /// Runs a command's body and turns what it throws into one sentence and a code.
  static func guarding(_ body: () async throws -> Void) async throws {
    guard KernelLevel.current != nil else {
      Terminal.note(
        "lightmeter: LIGHTMETER_KERNELS names a level that this machine lacks; it has "
          + KernelLevel.allCases.filter(\.isAvailable).map(\.rawValue).joined(separator: ", "))
      throw ExitCode(usage)
    }
    do { try await body() } catch let code as ExitCode { throw code } catch let error as ValidationError {
      throw error
    } catch let error as CleanExit { throw error } catch {
      Terminal.note("lightmeter: \(error)")
      throw ExitCode(code(of: error))
    }
  }

  /// The code of an error of the library.
  static func code(of error: any Error) -> Int32 {
    switch error {
    case let error as ReadError:
      switch error.kind {
      case .noInput: noInput
      case .inputOutput: inputOutput
      case .options: usage
      default: badData
      }
    case let error as ModelFileError: error.isNotFound ? noInput : badData
    case let error as FileError: error.operation == .read && error.isNotFound ? noInput : cannotWrite
    case is RecipeError, is MemoryShortage: usage
    case let error as TrainingError:
      switch error {
      case .diverged: failed
      // Where something is kept, `train` says so by a ResumableStop.
      case .interrupted: interrupted
      case .missing, .resume: usage
      }
    case is TrainingDataError, is EvaluationError, is Recommender.Problem, is CalibrationError: badData
    case is ResumableStop: resumable
    case let error as InputError: error.isAbsence ? noInput : badData
    case let error as StudyError:
      switch error {
      case .noData, .file: noInput
      case .cannotWrite: cannotWrite
      case .syntax, .located, .unknownKey, .missingKey, .badValue, .recipe: badData
      case .unfinished, .interrupted: usage
      }
    case ExportError.noFolder: cannotWrite
    case is ExportError, is UpdateError: badData
    case is WorldError: usage
    default: failed
    }
  }
}
