/// Raw ids ↔ indices, compact enough for 10⁷ string ids: one blob, offsets, an open-addressing index.
public struct IdentifierTable: Sendable {
  // PLACEHOLDER storage: replaced by the readers work.
  private var names: [String] = []
  private var lookup: [String: Int32] = [:]
  /// An empty table.
  public init() {}
  /// Number of ids.
  public var count: Int { names.count }
  /// The index of an id, which is added when it is new.
  public mutating func intern(_ name: String) -> Int32 {
    if let found = lookup[name] { return found }
    let index = Int32(names.count)
    names.append(name)
    lookup[name] = index
    return index
  }
  /// The index of a known id, or nil.
  public func index(of name: String) -> Int32? { lookup[name] }
  /// The id of an index.
  public subscript(index: Int) -> String { names[index] }
}
