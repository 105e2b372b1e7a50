import LightmeterKernels
import LightmeterModels
import TestSupport
import Testing

@testable import LightmeterTraining

/// CJMF's exposure and its losses against reference values (METHODS §11.1–11.2).
@Suite struct GatedExposureTests {
  private let golden = Golden.load("methods")["cjmf"]

  private func gates() -> Table<Double> {
    var table = GatedExposure<Double>.table(dimension: 3)
    for (row, names) in [("a", "b"), ("c", "d0"), ("e", "f")].enumerated() {
      for (column, value) in golden["parameters"][names.0].doubles.enumerated() {
        table.values[row * table.stride + column] = value
      }
      table.values[row * table.stride + 3] = golden["parameters"][names.1].double
    }
    return table
  }

  private func items() -> Table<Double> {
    var items = Table<Double>(name: "q", rows: 5, factorWidth: 3)
    for (row, values) in golden["itemEmbedding"].matrix.enumerated() {
      for column in 0..<3 { items.values[row * items.stride + column] = values[column] }
    }
    return items
  }

  @Test(arguments: [false, true]) func exposureAndGradientAreTheReferenceValues(isResidual: Bool) {
    let embeddings = ItemEmbeddings(rows: items().view, width: 3)
    var gated = GatedExposure<Double>()
    gated.evaluate(
      gates: gates(), embeddings: embeddings, rows: [0, 1, 2, 3, 4], popularity: golden["popularity"].doubles)
    let labels = golden["label"].doubles
    let loss = isResidual ? golden["residualExposureLoss"] : golden
    let relevances = loss[isResidual ? "relevance" : "targetRelevance"].doubles
    var slopes: [Double] = []
    for k in 0..<5 {
      #expect(abs(gated.exposures[k] - golden["exposure"][k].double) < 1e-14)
      slopes.append(
        CombinationalJointMember.exposureSlope(
          clicked: labels[k] == 1, exposure: gated.exposures[k], relevance: relevances[k], isResidual: isResidual))
    }
    var gradient = RowGradient<Double>()
    gradient.reset(rows: [0, 1, 2], stride: gates().stride)
    gated.pullback(slopes, dimension: 3, embeddings: embeddings, rows: [0, 1, 2, 3, 4], into: &gradient)
    for (row, names) in [("a", "b"), ("c", "d0"), ("e", "f")].enumerated() {
      for column in 0..<3 {
        let wanted = loss["gradient"][names.0][column].double
        #expect(abs(gradient.values[row * gradient.stride + column] - wanted) < 1e-12, "\(names.0)[\(column)]")
      }
      #expect(abs(gradient.values[row * gradient.stride + 3] - loss["gradient"][names.1].double) < 1e-12, "\(names.1)")
    }
  }

  @Test func atZeroParametersItIsTheRootOfHalfAPlusPopularity() {
    let popularity = golden["popularity"].doubles
    var gated = GatedExposure<Double>()
    gated.evaluate(
      gates: GatedExposure<Double>.table(dimension: 3), embeddings: ItemEmbeddings(rows: items().view, width: 3),
      rows: [4, 0, 2], popularity: [4, 0, 2].map { popularity[$0] })
    for (k, item) in [4, 0, 2].enumerated() {
      #expect(abs(gated.exposures[k] - ((0.5 + popularity[item]) / 2).squareRoot()) < 1e-15)
    }
  }
}
