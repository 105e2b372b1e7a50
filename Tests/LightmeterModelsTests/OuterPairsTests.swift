import LightmeterFeedback
import LightmeterKernels
import Testing

@testable import LightmeterModels

/// The rows that a batch shares with the pairs of an outer loss, and that loss's own pass against the three maps.
@Suite struct OuterPairsTests {
  private func indexed(_ pairs: PairBatch, users: Int, items: Int) -> IndexedBatch {
    var indexer = BatchIndexer(userCount: users, itemCount: items)
    var batch = IndexedBatch()
    batch.pairs = pairs
    indexer.index(&batch)
    return batch
  }

  @Test func onlyRowsThatOthersReadAreSharedAndBothSidesAgreeOnTheirSlots() {
    let batch = indexed(
      PairBatch(users: [7, 2, 7, 5], items: [1, 1, 4, 8], feedback: [1, 0, 0, 1]), users: 9, items: 9)
    var (outer, shared) = (OuterPairs(), SharedRows())
    // Given out of order: they are taken item by item.
    outer.take(
      PairBatch(users: [3, 7, 5, 5], items: [8, 1, 0, 1], feedback: [1, 0, 1, 0]), userCount: 9, itemCount: 9)
    #expect(outer.indexed.pairs.items == [0, 1, 1, 8] && outer.indexed.pairs.users == [5, 5, 7, 3])
    outer.share(batch, all: false, whole: true, as: &shared)
    #expect(shared.batch.userRows == [7, 5] && shared.batch.itemRows == [1, 8])
    #expect(shared.batch.userSlots == [0, -1, 0, 1] && shared.batch.itemSlots == [0, 0, -1, 1])
    #expect(outer.withSharedSlots.userSlots == [1, 1, 0, -1] && outer.withSharedSlots.itemSlots == [-1, 0, 0, 1])
    #expect(shared.userOrigins.map { batch.userRows[Int($0)] } == shared.batch.userRows)
    #expect(shared.itemOrigins.map { batch.itemRows[Int($0)] } == shared.batch.itemRows)
    #expect(shared.userPlaces.map { outer.indexed.userRows[Int($0)] } == shared.batch.userRows)

    // Another batch, and all of its rows.
    let next = indexed(PairBatch(users: [1, 3], items: [8, 2], feedback: [0, 1]), users: 9, items: 9)
    outer.share(next, all: false, whole: true, as: &shared)
    #expect(shared.batch.userRows == [3] && shared.batch.itemRows == [8] && shared.userOrigins == [1])
    outer.share(next, all: true, whole: true, as: &shared)
    #expect(shared.batch.userRows == [1, 3] && shared.batch.itemSlots == [0, 1])
    #expect(outer.withSharedSlots.userSlots == [-1, -1, -1, 1] && outer.withSharedSlots.itemSlots == [-1, -1, -1, 0])
    #expect(shared.userPlaces == [-1, 2])

    // Other pairs: nothing of the former ones is left.
    outer.take(PairBatch(users: [1], items: [2], feedback: [1]), userCount: 9, itemCount: 9)
    outer.share(next, all: false, whole: true, as: &shared)
    #expect(shared.batch.userRows == [1] && shared.batch.itemRows == [2])
    #expect(outer.withSharedSlots.userSlots == [0] && outer.withSharedSlots.itemSlots == [0])
    outer.take(PairBatch(), userCount: 9, itemCount: 9)
    outer.share(next, all: false, whole: true, as: &shared)
    #expect(shared.batch.userRows.isEmpty && shared.batch.itemSlots.isEmpty && outer.chosen.runSlots.isEmpty)

    shared.takeAll(of: batch)
    #expect(shared.batch.userRows == batch.userRows && shared.batch.itemSlots == batch.itemSlots)
    #expect(shared.userOrigins == [0, 1, 2] && shared.userPlaces == [-1, -1, -1])
  }

  @Test func onlyPairsOfTheBatchWithASharedRowAreLinked() {
    let batch = indexed(
      PairBatch(users: [4, 7, 2, 7, 4, 8], items: [0, 5, 1, 3, 3, 6], feedback: [1, 0, 1, 1, 0, 1]), users: 9, items: 9)
    var (outer, shared) = (OuterPairs(), SharedRows())
    outer.take(PairBatch(users: [7, 0], items: [1, 3], feedback: [1, 0]), userCount: 9, itemCount: 9)
    outer.share(batch, all: false, whole: false, as: &shared)
    // User 7, items 1 and 3.
    #expect(!shared.isAll && shared.places == [1, 2, 3, 4])
    #expect(shared.batch.userSlots == [0, -1, 0, -1] && shared.batch.itemSlots == [-1, 0, 1, 1])
    #expect(shared.linked.pairs == PairBatch(users: [7, 2, 7, 4], items: [5, 1, 3, 3], feedback: [0, 1, 1, 0]))
    #expect(shared.linked.userRows == [7, 2, 4] && shared.linked.userSlots == [0, 1, 0, 2])
    #expect(shared.linked.itemRows == [5, 1, 3] && shared.linked.itemSlots == [0, 1, 2, 2])

    outer.share(batch, all: true, whole: true, as: &shared)
    #expect(shared.isAll && shared.batch.userSlots == batch.userSlots && shared.batch.itemSlots == batch.itemSlots)
    let other = indexed(PairBatch(users: [1, 2], items: [0, 2], feedback: [1, 0]), users: 9, items: 9)
    outer.share(other, all: false, whole: false, as: &shared)
    #expect(!shared.isAll && shared.places.isEmpty && shared.linked.count == 0 && shared.linked.userRows.isEmpty)
  }

  @Test func onlyPairsThatShareARowWithTheBatchAreRead() {
    let batch = indexed(
      PairBatch(users: [7, 2, 7], items: [1, 1, 4], feedback: [1, 0, 0]), users: 9, items: 9)
    var (outer, shared) = (OuterPairs(), SharedRows())
    outer.take(
      PairBatch(
        users: [5, 7, 5, 3, 2, 6, 7, 3], items: [0, 0, 1, 1, 3, 3, 3, 8], feedback: [1, 0, 1, 0, 1, 1, 0, 1]),
      userCount: 9, itemCount: 9)
    // Of item 0 the pair of user 7, all of item 1, of item 3 the pairs of users 2 and 7, none of item 8.
    outer.share(batch, all: false, whole: false, as: &shared)
    #expect(!outer.isWhole && outer.count == 8 && outer.chosen.count == 5)
    #expect(outer.indexed.userRows == [5, 7, 3, 2, 6] && outer.chosen.userSlots == [1, 0, 2, 3, 1])
    #expect(outer.chosen.users == [7, 5, 3, 2, 7] && outer.chosen.items == [0, 1, 1, 3, 3])
    #expect(outer.chosen.feedback == [0, 1, 0, 1, 0])
    #expect(outer.chosen.runs == [0, 1, 3, 5] && outer.chosen.runSlots == [-1, 0, -1])
    #expect(outer.chosen.shared == [0, 3, 4] && outer.chosen.sharedItems == [0, 3, 3])
    #expect(outer.withSharedSlots.userSlots == [0, -1, -1, 1, 0])
    #expect(outer.withSharedSlots.itemSlots == [-1, 0, 0, -1, -1])
    #expect(outer.chosenRows().userRows == [7, 5, 3, 2] && outer.chosenRows().itemRows == [0, 1, 3])

    outer.share(batch, all: false, whole: true, as: &shared)
    #expect(outer.isWhole && outer.chosen.users == outer.indexed.pairs.users && outer.chosen.shared == [1, 4, 6])
    #expect(outer.chosen.runs == [0, 2, 4, 7, 8] && outer.chosen.runSlots == [-1, 0, -1, -1])
    #expect(outer.chosenRows().userRows == [5, 7, 3, 2, 6] && outer.chosenRows().itemRows == [0, 1, 3, 8])

    // A batch that shares nothing reads nothing.
    let other = indexed(PairBatch(users: [0], items: [7], feedback: [1]), users: 9, items: 9)
    outer.share(other, all: false, whole: false, as: &shared)
    #expect(outer.chosen.count == 0 && outer.chosen.runs.isEmpty && outer.chosen.runSlots.isEmpty)
    #expect(outer.chosenRows().userRows.isEmpty && outer.withSharedSlots.count == 0)
  }

  /// A backbone that has nothing but the three maps.
  private struct ThreeMaps<S: TrainingScalar>: Backbone {
    var own: MatrixFactorization<S>
    var tables: [Table<S>] {
      get { own.tables }
      set { own.tables = newValue }
    }
    var itemEmbeddings: ItemEmbeddings<S> { own.itemEmbeddings }
    var itemTable: Int { own.itemTable }
    func touchedRows(of batch: IndexedBatch) -> [[Int32]] { own.touchedRows(of: batch) }
    func logits(for batch: IndexedBatch, into logits: inout [S]) { own.logits(for: batch, into: &logits) }
    func pullback(_ cotangents: [S], for batch: IndexedBatch, into gradient: inout [RowGradient<S>]) {
      own.pullback(cotangents, for: batch, into: &gradient)
    }
    func pushforward(_ direction: [RowGradient<S>], for batch: IndexedBatch, into tangents: inout [S]) {
      own.pushforward(direction, for: batch, into: &tangents)
    }
  }

  /// Items with one pair, with a few, and with more than a run holds; some are in the batch and some are not.
  private static func outer(users: Int) -> PairBatch {
    var (pairs, generator) = (PairBatch(), SeededGenerator(seed: 4, stream: .initialise, epoch: 0))
    for (item, count) in [(0, 1), (1, 150), (3, 6), (4, 64), (5, 65), (7, 130), (8, 3)] {
      for _ in 0..<count {
        pairs.append(
          user: Int32(generator.below(users)), item: Int32(item), feedback: UInt8(generator.below(2)))
      }
    }
    return pairs
  }

  @Test(arguments: BiasTerms.allCases, [1, 3]) func ownPassGivesWhatTheThreeMapsGive(biases: BiasTerms, threads: Int) {
    Threads.use(threads)
    defer { Threads.use(1) }
    for whole in [true, false] {
      compare(biases, whole: whole, Double.self, tolerance: 1e-13)
      compare(biases, whole: whole, Float.self, tolerance: 1e-5)
    }
  }

  private func compare<S: TrainingScalar>(_ biases: BiasTerms, whole: Bool, _: S.Type, tolerance: Double) {
    let users = 90
    // Rows with a tail and without, of widths that have code of their own and of others.
    for dimension in [14, 32, 46, 50, 64] {
      let model = MatrixFactorization<S>(
        userCount: users, itemCount: 9, dimension: dimension, biases: biases, intercept: -0.3, deviation: 0.4, seed: 2)
      let batch = indexed(
        PairBatch(users: [7, 2, 89, 5, 7], items: [1, 4, 8, 5, 6], feedback: [1, 0, 0, 1, 0]), users: users, items: 9)
      var (outer, shared) = (OuterPairs(), SharedRows())
      outer.take(Self.outer(users: users), userCount: users, itemCount: 9)
      outer.share(batch, all: false, whole: whole, as: &shared)
      #expect(shared.batch.itemRows == [1, 4, 8, 5] && shared.batch.userRows.count >= 2)
      #expect(outer.chosen.count == outer.count || !whole && outer.chosen.count < outer.count - 100)

      let plain = ThreeMaps(own: model)
      var (columns, wantedColumns) = (CrossEntropyColumns<S>(), CrossEntropyColumns<S>())
      var (gradient, wanted): ([RowGradient<S>], [RowGradient<S>]) = ([], [])
      model.resetGradient(&gradient, for: shared.batch)
      plain.resetGradient(&wanted, for: shared.batch)
      model.crossEntropy(of: outer, copies: nil, scale: 0.01, columns: &columns, into: &gradient)
      // The three maps go through all pairs: what is left out has no part in the gradient.
      let chosen = outer.chosen
      outer.share(batch, all: false, whole: true, as: &shared)
      plain.crossEntropy(of: outer, copies: nil, scale: 0.01, columns: &wantedColumns, into: &wanted)
      #expect(columns.loss.isEmpty == !whole, "losses are for the mean of all pairs")
      var place = -1
      for k in 0..<chosen.count {
        // Pairs are chosen in their order, and equal ones have equal terms.
        repeat { place += 1 } while !outer.isPair(place, chosen, k)
        if whole { #expect(abs(Double(columns.loss[k] - wantedColumns.loss[place])) <= tolerance) }
        #expect(abs(Double(columns.byLogit[k] - wantedColumns.byLogit[place])) <= tolerance)
      }
      for side in 0..<2 {
        let count = gradient[side].rows.count * gradient[side].stride
        let largest = wanted[side].values[..<count].reduce(0.0) { max($0, abs(Double($1))) }
        #expect(largest > 1e-3)
        for k in 0..<count {
          #expect(abs(Double(gradient[side].values[k] - wanted[side].values[k])) <= tolerance * largest, "value \(k)")
        }
      }
    }
  }
}

extension OuterPairs {
  fileprivate func isPair(_ place: Int, _ chosen: ChosenPairs, _ k: Int) -> Bool {
    indexed.pairs.users[place] == chosen.users[k] && indexed.pairs.items[place] == chosen.items[k]
      && indexed.pairs.feedback[place] == chosen.feedback[k]
  }
}
