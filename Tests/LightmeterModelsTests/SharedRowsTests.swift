import LightmeterFeedback
import LightmeterModels
import Testing

@Suite struct SharedRowsTests {
  @Test func onlyRowsThatOthersReadAreSharedAndBothSidesAgreeOnTheirSlots() {
    var indexer = BatchIndexer(userCount: 9, itemCount: 9)
    var batch = IndexedBatch()
    batch.pairs = PairBatch(users: [7, 2, 7, 5], items: [1, 1, 4, 8], feedback: [1, 0, 0, 1])
    indexer.index(&batch)
    var other = IndexedBatch()
    other.pairs = PairBatch(users: [5, 3, 7, 5], items: [0, 8, 1, 1], feedback: [1, 1, 0, 0])
    indexer.locate(&other)
    var shared = SharedRows()
    shared.find(in: batch, readBy: &other)
    #expect(shared.batch.userRows == [5, 7] && shared.batch.itemRows == [8, 1])
    #expect(shared.batch.userSlots == [1, -1, 1, 0] && shared.batch.itemSlots == [1, 1, -1, 0])
    #expect(other.userSlots == [0, -1, 1, 0] && other.itemSlots == [-1, 0, 1, 1])
    #expect(shared.userOrigins.map { batch.userRows[Int($0)] } == shared.batch.userRows)
    #expect(shared.itemOrigins.map { batch.itemRows[Int($0)] } == shared.batch.itemRows)

    shared.takeAll(of: batch)
    #expect(shared.batch.userRows == batch.userRows && shared.batch.itemSlots == batch.itemSlots)
    #expect(shared.userOrigins == [0, 1, 2])
  }
}
