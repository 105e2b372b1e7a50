internal import LightmeterFeedback
internal import LightmeterKernels

/// The parts of a model as named tensors; ``TensorReader`` is its inverse.
struct TensorBook {
  var tensors: [String: Tensor] = [:]

  /// A table and its layout {factor width, width, fixed column or -1}.
  mutating func add(_ table: Table<Float>, _ name: String) {
    tensors[name] = .float32(table.values, shape: [table.rows, table.stride])
    let layout = [Int64(table.factorWidth), Int64(table.width), Int64(table.fixedColumn ?? -1)]
    tensors[name + ".layout"] = .int64(layout, shape: [3])
  }

  /// The arrays of the table as they are looked up, so that a reader maps them; unsigned numbers by their bits.
  mutating func add(_ ids: IdentifierTable, _ name: String) {
    let arrays = ids.arrays()
    tensors[name + ".ids"] = .uint8(arrays.text, shape: [arrays.text.count])
    tensors[name + ".bases"] = .int64(arrays.bases, shape: [arrays.bases.count])
    tensors[name + ".starts"] = .int32(arrays.starts.map(Int32.init(bitPattern:)), shape: [arrays.starts.count])
    tensors[name + ".slots"] = .int32(arrays.slots.map(Int32.init(bitPattern:)), shape: [arrays.slots.count])
  }

  mutating func add(_ scorer: StoredScorer) {
    switch scorer {
    case .factors(let model):
      add(model.users, "user_factors")
      add(model.items, "item_factors")
      tensors["intercept"] = .float32([model.intercept], shape: [1])
      tensors["is_probability"] = .uint8([model.meaning.rawValue], shape: [1])
    case .ensemble(let ensemble):
      tensors["members"] = .int64([Int64(ensemble.members.count)], shape: [1])
      tensors["intercept"] = .float32(ensemble.members.map(\.intercept), shape: [ensemble.members.count])
      for (index, member) in ensemble.members.enumerated() {
        add(member.users, "member.\(index).user_factors")
        add(member.items, "member.\(index).item_factors")
      }
    case .random(let random): tensors["random.seed"] = .int64([Int64(bitPattern: random.seed)], shape: [1])
    }
  }

  mutating func add(_ weights: PairWeights) {
    for (name, path) in TensorReader.columnsOfWeights {
      let values = weights[keyPath: path]
      tensors["weights." + name] = .float32(values, shape: [values.count])
    }
  }

  mutating func add(_ exposure: StoredExposure?, path: String) throws {
    switch exposure {
    case nil: break
    case .constant(let value): tensors["exposure.constant"] = .float32([value], shape: [1])
    case .perItem(let values): tensors["exposure.items"] = .float32(values, shape: [values.count])
    case .blended(let blended):
      add(blended.users, "exposure.user_factors")
      add(blended.gate, "exposure.gate")
      tensors["exposure.popularity"] = .float32(blended.popularity, shape: [blended.popularity.count])
    case .calibrated(let calibrated):
      let columns: [(String, [Float])] = [
        ("item_rates", calibrated.itemRates), ("activities", calibrated.activities),
        ("item_means", calibrated.relevance.itemMeans), ("item_logits", calibrated.relevance.itemLogits),
        ("user_logits", calibrated.relevance.userLogits),
      ]
      for (name, values) in columns { tensors["exposure.calibrated." + name] = .float32(values, shape: [values.count]) }
    case .known:
      throw ModelFileError.malformed(path: path, reason: "the exposure of a simulated world cannot be kept in it")
    }
  }
}

/// Reads the parts of a model back and refuses what does not fit together.
struct TensorReader {
  let container: ModelContainer
  let path: String

  func table(_ name: String, rows: Int) throws -> Table<Float> {
    let layout = try container.int64(name + ".layout", shape: [3]).map { Int($0) }
    let (factors, width, fixed) = (layout[0], layout[1], layout[2])
    guard factors >= 0, width >= factors, width < 1 << 20, fixed >= -1, fixed < width else {
      throw ModelFileError.malformed(path: path, reason: "the layout of '\(name)' is impossible")
    }
    let stride = (width + 3) / 4 * 4
    let values = try container.float32(name, shape: [rows, stride])
    let layoutOnly = Table<Float>(
      name: name, rows: 0, factorWidth: factors, extraColumns: width - factors, fixedColumn: fixed < 0 ? nil : fixed)
    return Table(like: layoutOnly, rows: rows, values: values)
  }

  /// Tensors that an identifier table looks up where they lie.
  static func isOfIdentifiers(_ name: String) -> Bool { name.hasPrefix("users.") || name.hasPrefix("items.") }

  func identifiers(_ name: String) throws -> IdentifierTable {
    do {
      let text = try container.bytes(name + ".ids", .uint8)
      // Format version 1 kept a start of 8 bytes per id and another index; its table is built anew.
      if container.has(name + ".offsets") {
        return try IdentifierTable(
          text: text.array(of: UInt8.self), starts: try container.bytes(name + ".offsets", .int64).array(of: Int64.self)
        )
      }
      return try IdentifierTable(
        stored: StoredIdentifiers(
          text: text, bases: try container.bytes(name + ".bases", .int64),
          starts: try container.bytes(name + ".starts", .int32), slots: try container.bytes(name + ".slots", .int32)))
    } catch let error as IdentifierTableError {
      throw ModelFileError.malformed(path: path, reason: "its \(name) ids are broken (\(error))")
    }
  }

  func scorer(userCount: Int, itemCount: Int) throws -> StoredScorer {
    if container.tensors["random.seed"] != nil {
      let seed = UInt64(bitPattern: try container.int64("random.seed", shape: [1])[0])
      return .random(RandomRanking(userCount: userCount, itemCount: itemCount, seed: seed))
    }
    if container.has("members") {
      let count = Int(try container.int64("members", shape: [1])[0])
      guard (1...4096).contains(count) else {
        throw ModelFileError.malformed(path: path, reason: "an ensemble of \(count) models is impossible")
      }
      let intercepts = try container.float32("intercept", shape: [count])
      return .ensemble(
        EnsembleModel(
          members: try (0..<count).map { index in
            let tables = try factorTables("member.\(index).", userCount: userCount, itemCount: itemCount)
            return FactorModel(users: tables.users, items: tables.items, intercept: intercepts[index])
          }))
    }
    let (users, items) = try factorTables("", userCount: userCount, itemCount: itemCount)
    guard let meaning = FactorModel.Meaning(rawValue: try container.uint8("is_probability", shape: [1])[0]) else {
      throw ModelFileError.malformed(path: path, reason: "it does not say what its scores mean")
    }
    return .factors(
      FactorModel(
        users: users, items: items, intercept: try container.float32("intercept", shape: [1])[0], meaning: meaning))
  }

  private func factorTables(
    _ prefix: String, userCount: Int, itemCount: Int
  ) throws -> (users: Table<Float>, items: Table<Float>) {
    let users = try table(prefix + "user_factors", rows: userCount)
    let items = try table(prefix + "item_factors", rows: itemCount)
    guard users.width == items.width else {
      throw ModelFileError.malformed(path: path, reason: "its user and item rows have different widths")
    }
    return (users, items)
  }

  func exposure(of scorer: StoredScorer, userCount: Int, itemCount: Int) throws -> StoredExposure? {
    let names = container.tensors
    if names["exposure.constant"] != nil { return .constant(try container.float32("exposure.constant", shape: [1])[0]) }
    if names["exposure.items"] != nil { return .perItem(try container.float32("exposure.items", shape: [itemCount])) }
    if names["exposure.user_factors"] != nil, case .factors(let model) = scorer {
      let (users, gate) = (try table("exposure.user_factors", rows: userCount), try table("exposure.gate", rows: 1))
      guard users.factorWidth == model.items.factorWidth, gate.width == users.factorWidth + 1 else {
        throw ModelFileError.malformed(path: path, reason: "its exposure and item rows have different widths")
      }
      return .blended(
        BlendedEstimate(
          users: users, items: model.items, gate: gate,
          popularity: try container.float32("exposure.popularity", shape: [itemCount])))
    }
    guard names["exposure.calibrated.item_rates"] != nil else { return nil }
    return .calibrated(try calibrated(userCount: userCount, itemCount: itemCount))
  }

  private func calibrated(userCount: Int, itemCount: Int) throws -> CalibratedExposure {
    func column(_ name: String, _ shape: [Int]?) throws -> [Float] {
      try container.float32("exposure.calibrated." + name, shape: shape)
    }
    let means = try column("item_means", [itemCount])
    let logits = try column("item_logits", nil)
    let users = try column("user_logits", logits.isEmpty ? nil : [userCount])
    guard logits.isEmpty || logits.count == itemCount else {
      throw ModelFileError.malformed(path: path, reason: "its calibration has logits of other items")
    }
    return CalibratedExposure(
      itemRates: try column("item_rates", [itemCount]), activities: try column("activities", [userCount]),
      relevance: logits.isEmpty
        ? CalibratedRelevance(userCount: userCount, itemMeans: means)
        : CalibratedRelevance(itemEffects: means, itemLogits: logits, userLogits: users))
  }

  fileprivate static var columnsOfWeights: [(name: String, path: KeyPath<PairWeights, [Float]>)] {
    [
      ("click_users", \.clickUsers), ("click_items", \.clickItems), ("pair_users", \.pairUsers),
      ("pair_items", \.pairItems), ("pair_outcomes", \.pairOutcomes), ("labels", \.labels),
    ]
  }

  func weights(userCount: Int, itemCount: Int) throws -> PairWeights? {
    guard container.has("weights.labels") else { return nil }
    func column(_ name: String, _ count: Int) throws -> [Float] {
      try container.float32("weights." + name, shape: [count])
    }
    return PairWeights(
      clickUsers: try column("click_users", userCount), clickItems: try column("click_items", itemCount),
      pairUsers: try column("pair_users", userCount), pairItems: try column("pair_items", itemCount),
      pairOutcomes: try column("pair_outcomes", 2), labels: try column("labels", 2))
  }

  func seen(userCount: Int, itemCount: Int) throws -> FeedbackMatrix? {
    guard container.tensors["seen.offsets"] != nil else { return nil }
    let offsets = try container.int64("seen.offsets", shape: [userCount + 1]).map { Int($0) }
    let items = try container.int32("seen.items")
    guard let matrix = FeedbackMatrix(userCount: userCount, itemCount: itemCount, offsets: offsets, items: items) else {
      throw ModelFileError.malformed(path: path, reason: "its history is not in rows of known items")
    }
    return matrix
  }
}
