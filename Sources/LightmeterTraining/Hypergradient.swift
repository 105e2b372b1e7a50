internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// The derivative of the outer loss by the exposure parameters through one virtual step of the model, in closed form.
///
///     ω̂ = ω − η G;   v = ∇L_outer(ω̂);   κ_k = ⟨∂s_k/∂ω, v⟩;   dL/dα = −(η/n) Σ_k κ_k ∂²ℓ_k/∂s∂m ∂m_k/∂α
///
/// One pushforward and one pullback, no second-order graph. For a click of the low-variance loss the mixed derivative is
/// exactly 0, Eq. (18). The tables are displaced in place, only in the batch's rows, and put back.
extension Trainer {
  /// Leaves the hypergradient in the workspace and returns the outer loss at the virtual point; the model's mean gradient
  /// G must be there already.
  mutating func hypergradient(_ settings: Bilevel, validation: PairBatch) -> Double {
    let count = S(work.batch.count)
    let step = settings.virtualStep.map { S($0) } ?? inner.learningRate
    let pairWeight: S = settings.reduction == .mean ? 1 / count : 1
    let factor: S =
      switch settings.scale {
      case .literal: step * pairWeight
      case .perPair: 1 / count
      case .unit: 1
      }
    exposure.resetGradient(&work.exposureGradient, for: work.batch)
    backbone.resetGradient(&work.outerGradient, for: work.batch)

    // G is the mean; the sum's virtual step is n times as long.
    let saved = displace(by: -step * (pairWeight * count))
    let outerLoss: Double
    switch settings.outerSet {
    case .validation: outerLoss = validationGradient(validation, reduction: settings.reduction)
    case .trainingBatch:
      outerLoss = trainingBatchGradient(settings, pairWeight: pairWeight, directScale: factor / step)
    }
    restore(saved)

    indirectGradient(settings, factor: factor, count: count)
    return outerLoss
  }

  private mutating func displace(by scale: S) -> [[S]] {
    backbone.tables.indices.map { table in
      let gradient = work.modelGradient[table]
      return S.displace(
        &backbone.tables[table].values, rows: gradient.rows, stride: gradient.stride, by: gradient.values, scale: scale)
    }
  }

  private mutating func restore(_ saved: [[S]]) {
    for table in backbone.tables.indices {
      let gradient = work.modelGradient[table]
      S.restore(&backbone.tables[table].values, rows: gradient.rows, stride: gradient.stride, from: saved[table])
    }
  }

  /// v of the validation loss at the virtual point, exposure 1: the cross-entropy. Only the batch's rows of v are kept.
  private mutating func validationGradient(_ validation: PairBatch, reduction: Bilevel.Reduction) -> Double {
    work.outer.pairs = validation
    indexer.locate(&work.outer)
    backbone.logits(for: work.outer, into: &work.outerLogits)
    S.naiveTerms(feedback: validation.feedback, logits: work.outerLogits, into: &work.outerTerms)
    let scale: S = reduction == .mean ? 1 / S(max(validation.count, 1)) : 1
    if work.outerCotangents.count != validation.count {
      work.outerCotangents = [S](repeating: 0, count: validation.count)
    }
    S.multiply(work.outerTerms.byLogit, nil, scale: scale, into: &work.outerCotangents)
    backbone.pullback(work.outerCotangents, for: work.outer, into: &work.outerGradient)
    return S.summarize(work.outerTerms.loss).sum / Double(max(validation.count, 1))
  }

  /// v of the training loss at the virtual point with the exposure there, and the direct part of its derivative by α.
  private mutating func trainingBatchGradient(_ settings: Bilevel, pairWeight: S, directScale: S) -> Double {
    backbone.logits(for: work.batch, into: &work.outerLogits)
    evaluateExposures(of: work.batch, tape: &work.outerTape)
    evaluateTerms(of: work.batch, logits: work.outerLogits, tape: work.outerTape, into: &work.outerTerms)
    var scaled = work.outerTerms.byLogit
    S.multiply(work.outerTerms.byLogit, nil, scale: pairWeight, into: &scaled)
    backbone.pullback(scaled, for: work.batch, into: &work.outerGradient)
    S.multiply(work.outerTerms.byExposure, nil, scale: pairWeight, into: &scaled)
    if settings.outerThroughExposure {
      exposure.itemPullback(
        scaled, for: work.batch, tape: &work.outerTape, into: &work.outerGradient[backbone.itemTable])
    }
    // The common factor multiplies the whole derivative: factor / (η pairWeight) of the direct part's pairWeight.
    S.multiply(work.outerTerms.byExposure, nil, scale: directScale, into: &scaled)
    exposure.pullback(
      scaled, for: work.batch, items: backbone.itemEmbeddings, tape: &work.outerTape, into: &work.exposureGradient)
    return S.summarize(work.outerTerms.loss).sum / Double(work.batch.count)
  }

  /// The part through the virtual step, at the current point.
  private mutating func indirectGradient(_ settings: Bilevel, factor: S, count: S) {
    backbone.pushforward(work.outerGradient, for: work.batch, into: &work.tangents)
    var cotangents = work.cotangents
    S.multiply(work.terms.byLogitAndExposure, work.tangents, scale: -factor, into: &cotangents)
    if settings.innerThroughExposure {
      var direct = cotangents
      S.multiply(work.terms.byExposure, nil, scale: -factor, into: &direct)
      exposure.mixedPullback(
        direct, along: work.outerGradient[backbone.itemTable], for: work.batch, items: backbone.itemEmbeddings,
        tape: &work.tape, into: &work.exposureGradient)
      S.multiply(work.terms.byExposureTwice, work.tape.slopes, scale: -factor, into: &direct)
      for k in cotangents.indices { cotangents[k] += direct[k] }
    }
    if settings.pull > 0 { addPull(&cotangents, strength: 2 * S(settings.pull) / count) }
    exposure.pullback(
      cotangents, for: work.batch, items: backbone.itemEmbeddings, tape: &work.tape, into: &work.exposureGradient)
  }

  private func addPull(_ cotangents: inout [S], strength: S) {
    precondition(!pullPrior.isEmpty, "a pull needs the prior exposure of every item")
    for k in cotangents.indices {
      cotangents[k] += strength * (work.tape.exposures[k] - S(pullPrior[Int(work.batch.pairs.items[k])]))
    }
  }
}
