#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import LightmeterFeedback
internal import LightmeterKernels
public import LightmeterModels
internal import LightmeterServing

/// A model in the files of other programs. docs/export.md names every file, array and column.
///
/// Every file appears whole or not at all; of a folder `model.json` comes last.
///
/// - Stability: experimental
public struct ModelExport: Sendable {
  /// Where a model can go.
  public enum Format: String, Sendable, CaseIterable {
    /// A folder of `.npy` arrays with ids as text.
    case npy
    /// One archive of arrays, ids among them.
    case npz
    /// One safetensors file.
    case safetensors
    /// One table of top-K lists.
    case csv
    /// A folder of vectors for inner-product and for distance indexes.
    case faiss
    /// A folder of RecBole's atomic files.
    case recbole
  }

  private let model: StoredModel

  /// Exports `model`.
  public init(_ model: StoredModel) { self.model = model }

  /// Writes the model in one format.
  ///
  /// - Parameters:
  ///   - path: a file, or the folder of formats that are folders; it is made if it is not there.
  ///   - count: K of the lists, for `csv`.
  ///   - progress: called with the number of users done, for `csv`.
  /// - Returns: the files written.
  /// - Throws: ``ExportError``, `FileError`, `Recommender.Problem`.
  public func write(
    _ format: Format, to path: String, count: Int = 20, progress: (Int) -> Void = { _ in }
  ) throws -> [String] {
    switch format {
    case .csv: try writeLists(to: path, count: count, progress: progress)
    case .npz: try writeArchive(to: path)
    case .safetensors: try writeTensors(to: path)
    case .npy: return try inFolder(path, try arrayFiles())
    case .faiss: return try inFolder(path, try vectorFiles())
    case .recbole: return try writeAtomicFiles(path)
    }
    return [path]
  }

  private func factors() throws -> (FactorModel, FactorArrays) {
    switch model.scorer {
    case .factors(let factors): return (factors, FactorArrays(factors))
    case .ensemble: throw ExportError.noVectors("it averages the relevances of several models")
    case .random: throw ExportError.noVectors("it ranks at random")
    }
  }

  private func description(largestSquare: Double? = nil) throws -> String {
    let (model, parts) = try factors()
    return try ModelExport.description(
      of: model, dimension: parts.dimension, manifest: self.model.manifest, largestSquare: largestSquare)
  }

  // MARK: - Arrays

  private func arrays() throws -> [(name: String, array: NumpyArray)] {
    let (_, parts) = try factors()
    let (users, items) = (model.users.count, model.items.count)
    var arrays = [
      ("user_factors", NumpyArray(parts.userFactors, shape: [users, parts.dimension])),
      ("item_factors", NumpyArray(parts.itemFactors, shape: [items, parts.dimension])),
      ("user_biases", NumpyArray(parts.userBiases, shape: [users])),
      ("item_biases", NumpyArray(parts.itemBiases, shape: [items])),
      ("intercept", NumpyArray([parts.intercept], shape: [])),
      ("item_popularity", NumpyArray(model.popularity, shape: [items])),
    ]
    if case .perItem(let exposure)? = model.exposure {
      arrays.append(("item_exposure", NumpyArray(exposure, shape: [items])))
    }
    return arrays.map { (name: $0.0, array: $0.1) }
  }

  private func arrayFiles() throws -> [(name: String, write: (String) throws -> Void)] {
    try arrays().map { entry in (entry.name + ".npy", { try entry.array.write(path: $0) }) } + (try idFiles())
      + [("model.json", { try writeText(try description(), to: $0) })]
  }

  private func writeArchive(to path: String) throws {
    let ids = [("users", NumpyArray(ids(model.users))), ("items", NumpyArray(ids(model.items)))]
    try NumpyArchive.write(
      try arrays() + ids.map { (name: $0.0, array: $0.1) }
        + [(name: "model", array: NumpyArray([try description()]))], to: path)
  }

  private func writeTensors(to path: String) throws {
    let (_, parts) = try factors()
    let (users, items) = (model.users.count, model.items.count)
    var tensors: [String: Tensor] = [
      "user_factors": .float32(parts.userFactors, shape: [users, parts.dimension]),
      "item_factors": .float32(parts.itemFactors, shape: [items, parts.dimension]),
      "user_biases": .float32(parts.userBiases, shape: [users]),
      "item_biases": .float32(parts.itemBiases, shape: [items]), "intercept": .float32([parts.intercept], shape: [1]),
      "item_popularity": .float32(model.popularity, shape: [items]),
    ]
    if case .perItem(let exposure)? = model.exposure { tensors["item_exposure"] = .float32(exposure, shape: [items]) }
    for (name, table) in [("users", model.users), ("items", model.items)] {
      // The text of all ids, and where each of them starts; the last entry is the end.
      tensors[name + ".utf8"] = .uint8(table.bytes(of: 0..<table.count), shape: [table.textBytes])
      tensors[name + ".starts"] = .int64(table.starts(of: 0..<table.count + 1), shape: [table.count + 1])
    }
    try SafetensorsFile.write(tensors, metadata: ["lightmeter": try description()], to: path)
  }

  // MARK: - Vectors for indexes

  private func vectorFiles() throws -> [(name: String, write: (String) throws -> Void)] {
    let (_, parts) = try factors()
    let (users, items) = (model.users.count, model.items.count)
    let matrices = [
      ("items_inner_product", parts.innerProductItems, items, parts.dimension + 1),
      ("users_inner_product", parts.innerProductUsers, users, parts.dimension + 1),
      ("items_l2", parts.distanceItems, items, parts.dimension + 2),
      ("users_l2", parts.distanceUsers, users, parts.dimension + 2),
    ]
    return matrices.map { name, values, rows, width in
      (name + ".npy", { try NumpyArray(values, shape: [rows, width]).write(path: $0) })
    } + [
      (
        "user_offsets.npy",
        { try NumpyArray(parts.userBiases.map { $0 + parts.intercept }, shape: [users]).write(path: $0) }
      )
    ] + (try idFiles())
      + [("model.json", { try writeText(try description(largestSquare: parts.largestSquare), to: $0) })]
  }

  // MARK: - Text

  private func idFiles() throws -> [(name: String, write: (String) throws -> Void)] {
    try check(model.users, for: "\n\r", "a line")
    try check(model.items, for: "\n\r", "a line")
    return [("users.txt", model.users), ("items.txt", model.items)].map { name, table in
      (name, { try writeText(ids(table).map { $0 + "\n" }.joined(), to: $0) })
    }
  }

  private func ids(_ table: IdentifierTable) -> [String] { (0..<table.count).map { table[$0] } }

  private func check(_ table: IdentifierTable, for forbidden: String, _ what: String) throws {
    for index in 0..<table.count where table[index].unicodeScalars.contains(where: forbidden.unicodeScalars.contains) {
      throw ExportError.impossibleId(table[index], what: what)
    }
  }

  private func writeText(_ text: String, to path: String) throws {
    let file = try AtomicFile(path)
    try file.write(text)
    try file.commit()
  }

  private func writeLists(to path: String, count: Int, progress: (Int) -> Void) throws {
    let file = try AtomicFile(path)
    try file.write("user,rank,item,relevance,exposure\n")
    var done = 0
    try Recommender(model).recommendForAll(count: count, filterSeen: model.seen != nil) { user, list in
      for (rank, entry) in list.enumerated() {
        let numbers = [entry.relevance, entry.exposure].map { $0.map { "\($0)" } ?? "" }.joined(separator: ",")
        try file.write("\(CSVField.quoted(user)),\(rank + 1),\(CSVField.quoted(entry.item)),\(numbers)\n")
      }
      done += 1
      progress(done)
    }
    try file.commit()
  }

  /// `NAME.user`, `NAME.item` and, where the model keeps the history, `NAME.inter` in a folder of that name.
  private func writeAtomicFiles(_ path: String) throws -> [String] {
    try check(model.users, for: "\t\n\r", "a tab-separated field")
    try check(model.items, for: "\t\n\r", "a tab-separated field")
    let name = path.split(separator: "/").last.map(String.init) ?? "lightmeter"
    var files: [(name: String, write: (String) throws -> Void)] = [
      (name + ".user", { try writeText("user_id:token\n" + ids(model.users).map { $0 + "\n" }.joined(), to: $0) }),
      (name + ".item", { try writeText("item_id:token\n" + ids(model.items).map { $0 + "\n" }.joined(), to: $0) }),
    ]
    if let seen = model.seen {
      files.append(
        (
          name + ".inter",
          { path in
            let file = try AtomicFile(path)
            try file.write("user_id:token\titem_id:token\n")
            for user in 0..<seen.userCount {
              for item in seen.items(of: user) { try file.write("\(model.users[user])\t\(model.items[Int(item)])\n") }
            }
            try file.commit()
          }
        ))
    }
    return try inFolder(path, files)
  }

  private func inFolder(_ path: String, _ files: [(name: String, write: (String) throws -> Void)]) throws -> [String] {
    do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
      throw ExportError.noFolder(path)
    }
    return try files.map { file in
      let place = path + "/" + file.name
      try file.write(place)
      return place
    }
  }
}
