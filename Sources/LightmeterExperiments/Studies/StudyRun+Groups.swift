internal import LightmeterEvaluation
internal import LightmeterFeedback
internal import LightmeterTraining

extension StudyRun {
  /// What a model finds and takes for shown, by popularity; nil where the test has lists of its own or no exposure.
  struct Groups: Sendable {
    var deciles: PopularityDeciles?
    var exposure: ExposureMap?
  }

  func groups(of model: TrainedModel, _ training: StudyTraining) throws -> Groups {
    var groups = Groups()
    let positives = training.data.positives
    let cutoff = study.scoring.cutoffs?.max() ?? 20
    switch try dataset.test(seed) {
    case .rated: break
    case .catalogue(let test), .drawn(let test, _):
      groups.deciles = try PopularityDeciles(of: model.scorer, on: test, popularity: positives, cutoff: cutoff)
    case .truth(let test):
      groups.deciles = try PopularityDeciles(of: model.scorer, on: test, popularity: positives, cutoff: cutoff)
    }
    if let exposure = model.exposure {
      groups.exposure = ExposureMap(of: exposure, truth: dataset.world, popularity: positives)
    }
    return groups
  }
}
