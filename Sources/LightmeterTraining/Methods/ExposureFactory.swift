internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// Makes the exposure model that a method asks for from what the data offers.
struct ExposureFactory {
  let method: PointwiseMethod
  let data: TrainingData
  let seed: UInt64

  func make() throws(TrainingError) -> any ExposureModel<Float> {
    if let exposure = method.warmStart?.exposure { return FixedExposure(exposure) }
    let counted = method.warmStart?.counted ?? data.positives
    switch method.exposure {
    case .none:
      return FixedExposure(.constant(1))
    case .popularity(let power, let weight, let level):
      let values = Popularity.exposure(of: counted, exponent: power).map { popularity in
        Float(weight) * popularity + Float((1 - weight) * level)
      }
      return FixedExposure(.perItem(values))
    case .blended(let power):
      return BlendedExposure<Float>(
        userCount: data.userCount, dimension: method.dimension,
        popularity: Popularity.exposure(of: counted, exponent: power),
        deviation: Float(method.initialDeviation), seed: seed)
    case .perItem(let power):
      return PerItemExposure<Float>(start: try perItemStart(power: power))
    case .calibrated(let form):
      return FixedExposure(.calibrated(try calibrated(form)))
    case .known:
      guard let truth = data.trueExposure else {
        throw .missing(
          "this method needs the exposure of every pair, which only a simulated world knows; in a study of such a "
            + "world it stands beside the others")
      }
      return FixedExposure(.known(truth))
    }
  }

  private func calibrated(_ form: Calibration.Form) throws(TrainingError) -> CalibratedExposure {
    guard let slice = data.randomTraffic else {
      throw .missing(
        "calibrated exposure needs a slice of random traffic (pairs shown regardless of taste), and none was given: "
          + "--validation-random FILE")
    }
    do { return try Calibration.exposure(form, clicks: data.positives, slice: slice) } catch {
      throw .missing("exposure cannot be calibrated on this slice: \(error)")
    }
  }

  /// Popularity, or the plain calibration of each item where there is random traffic to calibrate on.
  private func perItemStart(power: Double) throws(TrainingError) -> [Float] {
    guard data.randomTraffic != nil else { return Popularity.exposure(of: data.positives, exponent: power) }
    let plain = try calibrated(.plain)
    return (0..<data.itemCount).map { plain.exposure(user: 0, item: $0) }
  }
}
