internal import CLightmeterKernels
public import RealModule

/// A number type that models can be trained in: `Float` for training, `Double` for gradient checks and golden values.
///
/// The batch-level arithmetic below is the same C source compiled for both, so what the `Double` tests prove holds for
/// `Float` up to rounding. All arrays are row-major; index arrays may hold -1 where a pair has no row.
public protocol TrainingScalar: Real, BinaryFloatingPoint, SIMDScalar, Sendable, Codable {
  /// The kernels compiled for this precision.
  static var kernels: KernelTable { get }
}

/// A table of compiled kernels; opaque outside this room.
public struct KernelTable: @unchecked Sendable {
  // Immutable C data: function pointers and a name.
  let table: UnsafePointer<lm_kernels>
}

extension Float: TrainingScalar {
  // Chosen once, at first use. A level that was asked for by name and is not there stops the program: a silent
  // fall-back would let the bit-identity test pass without testing.
  private static let chosen: KernelTable = {
    guard let found = lm_select_float_kernels() else {
      fatalError("LIGHTMETER_KERNELS names a level that this machine lacks (baseline, v3, v4)")
    }
    return KernelTable(table: found)
  }()
  /// The kernels of this precision.
  public static var kernels: KernelTable { chosen }
}

extension Double: TrainingScalar {
  private static let chosen = KernelTable(table: lm_select_double_kernels())
  /// The kernels of this precision.
  public static var kernels: KernelTable { chosen }
}

func flushDenormals() -> UInt32 { lm_flush_denormals() }
func restoreDenormals(_ state: UInt32) { lm_restore_denormals(state) }

/// The instruction-set levels of the float kernels.
public enum KernelLevel: String, Sendable, CaseIterable {
  case baseline, v3, v4

  /// Whether this machine can run it.
  public var isAvailable: Bool { lm_float_kernels_named(rawValue) != nil }
  /// The level in use: the best there is, or the one that LIGHTMETER_KERNELS names.
  public static var current: KernelLevel? {
    lm_select_float_kernels().flatMap { KernelLevel(rawValue: String(cString: $0.pointee.level)) }
  }
}
