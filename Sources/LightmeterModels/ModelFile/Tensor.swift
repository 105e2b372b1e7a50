/// The element types that a model file holds, by their safetensors names.
public enum TensorElement: String, Sendable, CaseIterable {
  /// Single precision.
  case float32 = "F32"
  /// Double precision.
  case float64 = "F64"
  /// 32-bit signed integers.
  case int32 = "I32"
  /// 64-bit signed integers.
  case int64 = "I64"
  /// Bytes.
  case uint8 = "U8"

  /// Bytes per element.
  public var byteCount: Int {
    switch self {
    case .uint8: 1
    case .float32, .int32: 4
    case .float64, .int64: 8
    }
  }
}

/// A named array's content: numbers in row-major order and their shape.
///
/// - Shapes: any rank; `[]` is one number; a 0 in the shape means no numbers.
public enum Tensor: Sendable {
  /// Single precision.
  case float32([Float], shape: [Int])
  /// Double precision.
  case float64([Double], shape: [Int])
  /// 32-bit signed integers.
  case int32([Int32], shape: [Int])
  /// 64-bit signed integers.
  case int64([Int64], shape: [Int])
  /// Bytes.
  case uint8([UInt8], shape: [Int])

  /// Extent of every dimension.
  public var shape: [Int] {
    switch self {
    case .float32(_, let shape), .float64(_, let shape), .int32(_, let shape), .int64(_, let shape),
      .uint8(_, let shape):
      shape
    }
  }

  /// Number of elements.
  public var count: Int {
    switch self {
    case .float32(let values, _): values.count
    case .float64(let values, _): values.count
    case .int32(let values, _): values.count
    case .int64(let values, _): values.count
    case .uint8(let values, _): values.count
    }
  }

  /// Type of the elements.
  public var element: TensorElement {
    switch self {
    case .float32: .float32
    case .float64: .float64
    case .int32: .int32
    case .int64: .int64
    case .uint8: .uint8
    }
  }

  /// Bytes of the content.
  var byteCount: Int { count * element.byteCount }

  /// Whether type, shape and every bit agree, so that NaNs compare by their payload.
  public func isIdentical(to other: Tensor) -> Bool {
    guard shape == other.shape else { return false }
    switch (self, other) {
    case (.float32(let a, _), .float32(let b, _)): return a.elementsEqual(b) { $0.bitPattern == $1.bitPattern }
    case (.float64(let a, _), .float64(let b, _)): return a.elementsEqual(b) { $0.bitPattern == $1.bitPattern }
    case (.int32(let a, _), .int32(let b, _)): return a == b
    case (.int64(let a, _), .int64(let b, _)): return a == b
    case (.uint8(let a, _), .uint8(let b, _)): return a == b
    default: return false
    }
  }
}
