extension Study {
  /// How configurations were chosen, and with what budget.
  var tuningSentence: String {
    guard tuning.metric != nil else { return "Nothing was tuned: every row is one fixed configuration." }
    let tuned = methods.filter { isTuned($0) }
    let budgets = tuned.map { tuningEpochs($0) }
    let (least, most) = (budgets.min() ?? 0, budgets.max() ?? 0)
    return
      "Chosen by \(tuning.name), by \(tuning.searchName), on \(tuning.seeds.count) tuning seed(s) that "
      + "no table uses; at most \(tuning.configurations) configurations a method (the largest search here has "
      + "\(tuned.map(\.grid.count).max() ?? 1), each row's own number stands in its last table)"
      + (tuning.checkpoints.isEmpty
        ? "." : ", each scored after \(tuning.checkpoints.map(String.init).joined(separator: ", ")) epochs.")
      + " Tuning budget of a method: \(NumberText.grouped(most)) epochs"
      + (least == most ? ", the same for all." : " at most, \(NumberText.grouped(least)) at least.")
      + (tuning.metric?.readsTest == true ? "" : " Test data was opened after tuning only.")
  }
}
