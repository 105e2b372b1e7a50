import Lightmeter

/// What an application does with a model, in five lines each; the README shows some of them.
///
/// Run it in a folder with a log `clicks.csv` that has a user `alice` and an item `item-42`; it leaves a model there.
@main
struct FiveLines {
  static func main() async throws {
    try train()
    try recommend()
    try explain()
    try foldIn()
  }

  static func train() throws {
    let job = TrainingJob(log: try LoadedLog.load(LogRequest(path: "clicks.csv")))
    let recipe = Recipe("umf", ["epochs": .number(20), "biases": .text("userAndItem"), "intercept": .text("baseRate")])
    let prepared = try job.prepare(stream: try recipe.validated().stream)
    let model = try recipe.validated().fit(prepared.data, seed: 1)
    try job.stored(model, recipe: recipe, prepared, results: [], card: nil).write(to: "model.lightmeter")
  }

  static func recommend() throws {
    let model = try StoredModel.read("model.lightmeter")
    let recommender = Recommender(model)
    for item in try recommender.recommend(user: "alice", count: 5) { print(item.item, item.relevance ?? 0) }
    print(try recommender.explain(user: "alice", item: "item-42"))
  }

  static func explain() throws {
    let recommender = Recommender(try StoredModel.read("model.lightmeter"))
    let pair = try recommender.explain(user: "alice", item: "item-42")
    print("wanted if seen:", pair.relevance, "likely to have been seen:", pair.exposure ?? 1)
    print("not clicked because never seen:", pair.neverSeen ?? 0, "or declined:", pair.declined ?? 0)
  }

  static func foldIn() throws {
    let recommender = Recommender(try StoredModel.read("model.lightmeter"))
    let answer = try recommender.recommend(session: ["item-1", "item-5"], count: 5)
    print("for somebody new:", answer.items.map(\.item))
    print("unknown items:", answer.unknown)
  }
}
