public import LightmeterFeedback
public import LightmeterKernels
internal import Synchronization

/// What an exposure model says, as data: what a model file keeps and `explain` answers from.
public enum StoredExposure: ExposureEstimate {
  /// The same for every pair; 1 for methods that know no exposure.
  case constant(Float)
  /// One number per item: popularity, FixedMix, learned item logits.
  case perItem([Float])
  /// Eq. (14).
  case blended(BlendedEstimate)
  /// Calibrated on random traffic.
  case calibrated(CalibratedExposure)
  /// Something that only this process knows: the truth of a simulated world. Not written to model files.
  case known(any ExposureEstimate)

  /// Whether every user has the same exposures.
  public var isSameForAllUsers: Bool {
    switch self {
    case .constant, .perItem: true
    case .blended, .calibrated, .known: false
    }
  }

  /// P(exposed) of one user for a run of items.
  public func exposures(user: Int, items: Range<Int>, into exposures: inout [Float]) {
    switch self {
    case .constant(let value): for k in 0..<items.count { exposures[k] = value }
    case .perItem(let values): for (k, item) in items.enumerated() { exposures[k] = values[item] }
    case .blended(let blended): blended.exposures(user: user, items: items, into: &exposures)
    case .calibrated(let calibrated): calibrated.exposures(user: user, items: items, into: &exposures)
    case .known(let source): source.exposures(user: user, items: items, into: &exposures)
    }
  }

  /// P(exposed) of scattered pairs.
  public func exposures(users: [Int32], items: [Int32], into exposures: inout [Float]) {
    switch self {
    case .constant(let value): for k in users.indices { exposures[k] = value }
    case .perItem(let values): for k in users.indices { exposures[k] = values[Int(items[k])] }
    case .blended(let blended): blended.exposures(users: users, items: items, into: &exposures)
    case .calibrated(let calibrated): calibrated.exposures(users: users, items: items, into: &exposures)
    case .known(let source): source.exposures(users: users, items: items, into: &exposures)
    }
  }
}

/// Eq. (14) evaluated from its tables.
public struct BlendedEstimate: ExposureEstimate {
  /// e_u.
  public let users: Table<Float>
  /// The relevance model's item rows, shared with it.
  public let items: Table<Float>
  /// a and b.
  public let gate: Table<Float>
  /// θ_i.
  public let popularity: [Float]
  let gates: GateLogits

  /// Bundles the tables.
  public init(users: Table<Float>, items: Table<Float>, gate: Table<Float>, popularity: [Float]) {
    (self.users, self.items, self.gate, self.popularity) = (users, items, gate, popularity)
    gates = GateLogits()
  }

  private init(_ other: BlendedEstimate, users: Table<Float>) {
    (self.users, items, gate, popularity) = (users, other.items, other.gate, other.popularity)
    gates = other.gates
  }

  /// The same exposure for other users; the items' gates, which know no user, are shared.
  public func replacingUsers(by users: Table<Float>) -> BlendedEstimate { BlendedEstimate(self, users: users) }

  /// P(exposed) of one user for a run of items; the items' gates are computed once, for the first long run.
  public func exposures(user: Int, items range: Range<Int>, into exposures: inout [Float]) {
    let rows = range.map { Int32($0) }
    let members = [Int32](repeating: Int32(user), count: rows.count)
    guard rows.count >= 64 else { return self.exposures(users: members, items: rows, into: &exposures) }
    let logits = gates.values { gateLogits((0..<Int32(items.rows)).map { $0 }) }
    blend(members, rows, gateLogits: logits, slots: rows, into: &exposures)
  }

  /// P(exposed) of scattered pairs.
  public func exposures(users pairUsers: [Int32], items pairItems: [Int32], into exposures: inout [Float]) {
    blend(
      pairUsers, pairItems, gateLogits: gateLogits(pairItems), slots: (0..<Int32(pairItems.count)).map { $0 },
      into: &exposures)
  }

  /// a · w_i + b of each item.
  private func gateLogits(_ members: [Int32]) -> [Float] {
    var logits = [Float](repeating: 0, count: members.count)
    Float.dotRows(
      gate.view, [Int32](repeating: 0, count: members.count), items.view, members, width: users.factorWidth,
      offset: gate.values[users.factorWidth], accumulate: false, into: &logits)
    return logits
  }

  /// Eq. (14) of pairs whose gate logits stand at `slots`.
  private func blend(
    _ pairUsers: [Int32], _ pairItems: [Int32], gateLogits: [Float], slots: [Int32], into exposures: inout [Float]
  ) {
    var affinities = [Float](repeating: 0, count: pairUsers.count)
    Float.dotRows(
      users.view, pairUsers, items.view, pairItems, width: users.factorWidth, offset: 0, accumulate: false,
      into: &affinities)
    var blend = BlendColumns<Float>()
    Float.blend(
      affinities: affinities, gateLogits: gateLogits, popularity: popularity, gateSlots: slots, items: pairItems,
      into: &blend)
    for k in pairItems.indices { exposures[k] = blend.exposure[k] }
  }
}

/// The gate's logit of every item, made when it is first asked for.
final class GateLogits: Sendable {
  private let made = Mutex<[Float]?>(nil)

  func values(_ make: () -> [Float]) -> [Float] {
    made.withLock { made in
      if let made { return made }
      let values = make()
      made = values
      return values
    }
  }
}

extension Table {
  /// The same table in single precision; shares storage when it is already.
  var inFloat: Table<Float> {
    if let same = self as? Table<Float> { return same }
    var copy = Table<Float>(
      name: name, rows: rows, factorWidth: factorWidth, extraColumns: width - factorWidth, fixedColumn: fixedColumn)
    copy.values = values.map { Float($0) }
    return copy
  }
}
