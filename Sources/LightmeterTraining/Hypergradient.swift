internal import LightmeterFeedback
internal import LightmeterKernels
internal import LightmeterModels

/// The derivative of the outer loss by the exposure parameters through one virtual step of the model, in closed form.
///
///     ω̂ = ω − η G;   v = ∇L_outer(ω̂);   κ_k = ⟨∂s_k/∂ω, v⟩;   dL/dα = −(η/n) Σ_k κ_k ∂²ℓ_k/∂s∂m ∂m_k/∂α
///
/// One pushforward and one pullback, no second-order graph. For a click of the low-variance loss the mixed derivative is
/// exactly 0, Eq. (18). The tables are displaced in place, only in rows of the batch that the outer loss reads, and put back.
extension Trainer {
  /// Leaves the hypergradient in the workspace and returns the outer loss at the virtual point, nil where the input leaves out
  /// pairs; the indexed input and the model's mean gradient G must be there already.
  mutating func hypergradient(_ settings: Bilevel) -> Double? {
    let count = S(work.input.batch.count)
    let step = settings.virtualStep.map { S($0) } ?? inner.learningRate
    let pairWeight: S = settings.reduction == .mean ? 1 / count : 1
    let factor: S =
      switch settings.scale {
      case .literal: step * pairWeight
      case .perPair: 1 / count
      case .unit: 1
      }
    let isLinked = !work.input.shared.isAll
    exposure.resetGradient(&work.exposureGradient, for: isLinked ? work.input.shared.linked : work.input.batch)
    backbone.resetGradient(&work.outerGradient, for: work.input.shared.batch)

    // G is the mean; the sum's virtual step is n times as long.
    let copied = copiedTable(settings)
    displace(by: -step * (pairWeight * count), copied: copied)
    let outerLoss: Double?
    switch settings.outerSet {
    case .validation: outerLoss = validationGradient(reduction: settings.reduction, copied: copied)
    case .trainingBatch:
      outerLoss = trainingBatchGradient(settings, pairWeight: pairWeight, directScale: factor / step)
    }
    restore(copied: copied)

    if isLinked {
      linkedGradient(factor: factor)
    } else {
      indirectGradient(settings, factor: factor, count: count)
    }
    return outerLoss
  }

  /// The table whose rows of validation users are kept as copies: where the pairs are those of the step before, and the
  /// optimizer moves few of them.
  private mutating func copiedTable(_ settings: Bilevel) -> Int? {
    guard settings.outerSet == .validation, inner.movesOnlyGradientRows, let table = backbone.copiedTable else {
      return nil
    }
    let pairs = work.input.outer.indexed.pairs
    guard work.earlierOuter == pairs, keepsCopies else {
      // Copies of pairs that come back later would be out of date.
      (work.earlierOuter, work.outerRows) = (pairs, OuterRows())
      return nil
    }
    if work.outerRows.pairs != pairs { work.outerRows.fill(for: work.input.outer, from: backbone.tables[table]) }
    return table
  }

  /// Takes over what a step has moved.
  mutating func updateCopies() {
    guard let table = backbone.copiedTable, work.outerRows.pairs == work.input.outer.indexed.pairs else { return }
    work.outerRows.update(work.input.shared, from: backbone.tables[table])
  }

  private mutating func displace(by scale: S, copied: Int?) {
    let origins = [work.input.shared.userOrigins, work.input.shared.itemOrigins]
    let rows = backbone.touchedRows(of: work.input.shared.batch)
    if let copied {
      work.outerRows.displace(
        work.input.shared, from: backbone.tables[copied], by: work.modelGradient[copied], scale: scale)
    }
    for table in backbone.tables.indices where table != copied {
      if work.saved.count <= table { work.saved.append([]) }
      let gradient = work.modelGradient[table]
      S.displace(
        &backbone.tables[table].values, rows: rows[table], stride: gradient.stride, by: gradient.values,
        slots: origins[table], scale: scale, saved: &work.saved[table])
    }
  }

  private mutating func restore(copied: Int?) {
    let rows = backbone.touchedRows(of: work.input.shared.batch)
    for table in backbone.tables.indices where table != copied {
      S.restore(
        &backbone.tables[table].values, rows: rows[table], stride: backbone.tables[table].stride,
        from: work.saved[table])
    }
  }

  /// v of the validation loss at the virtual point, exposure 1: the cross-entropy. Only shared rows of v are kept.
  private mutating func validationGradient(reduction: Bilevel.Reduction, copied: Int?) -> Double? {
    let count = work.input.outer.count
    backbone.crossEntropy(
      of: work.input.outer, copies: copied == nil ? nil : work.outerRows,
      scale: reduction == .mean ? 1 / S(max(count, 1)) : 1, columns: &work.crossEntropy, into: &work.outerGradient)
    return work.input.outer.isWhole ? S.sum(work.crossEntropy.loss, count: count) / Double(max(count, 1)) : nil
  }

  /// v of the training loss at the virtual point with the exposure there, and the direct part of its derivative by α.
  private mutating func trainingBatchGradient(_ settings: Bilevel, pairWeight: S, directScale: S) -> Double {
    backbone.logits(for: work.input.batch, into: &work.outerLogits)
    Self.evaluate(exposure, of: work.input.batch, items: backbone.itemEmbeddings, into: &work.outerTape)
    Self.evaluate(
      estimator, of: work.input.batch, logits: work.outerLogits, exposures: work.outerTape.exposures,
      into: &work.outerTerms)
    let count = work.input.batch.count
    S.multiply(work.outerTerms.byLogit, nil, scale: pairWeight, count: count, into: &work.outerCotangents)
    backbone.pullback(work.outerCotangents, for: work.input.batch, into: &work.outerGradient)
    S.multiply(work.outerTerms.byExposure, nil, scale: pairWeight, count: count, into: &work.outerCotangents)
    if settings.outerThroughExposure {
      exposure.itemPullback(
        work.outerCotangents, for: work.input.batch, tape: &work.outerTape,
        into: &work.outerGradient[backbone.itemTable])
    }
    // The common factor multiplies the whole derivative: factor / (η pairWeight) of the direct part's pairWeight.
    S.multiply(work.outerTerms.byExposure, nil, scale: directScale, count: count, into: &work.outerCotangents)
    exposure.pullback(
      work.outerCotangents, for: work.input.batch, items: backbone.itemEmbeddings, tape: &work.outerTape,
      into: &work.exposureGradient)
    return S.sum(work.outerTerms.loss, count: count) / Double(count)
  }

  /// The part through the virtual step, at the current point.
  private mutating func indirectGradient(_ settings: Bilevel, factor: S, count: S) {
    // Lent and taken back: who keeps the pairs would have the next batch copied.
    work.input.shared.batch.pairs = work.input.batch.pairs
    backbone.pushforward(work.outerGradient, for: work.input.shared.batch, into: &work.tangents)
    work.input.shared.batch.pairs = PairBatch()
    let pairs = work.input.batch.count
    S.multiply(
      work.terms.byLogitAndExposure, work.tangents, scale: -factor, count: pairs, into: &work.cotangents)
    if settings.innerThroughExposure {
      S.multiply(work.terms.byExposure, nil, scale: -factor, count: pairs, into: &work.outerCotangents)
      exposure.mixedPullback(
        work.outerCotangents, along: work.outerGradient[backbone.itemTable], for: work.input.batch,
        items: backbone.itemEmbeddings,
        tape: &work.tape, into: &work.exposureGradient)
      S.multiply(
        work.terms.byExposureTwice, work.tape.slopes, scale: -factor, count: pairs, into: &work.outerCotangents)
      for k in 0..<pairs { work.cotangents[k] += work.outerCotangents[k] }
    }
    if settings.pull > 0 { addPull(strength: 2 * S(settings.pull) / count) }
    exposure.pullback(
      work.cotangents, for: work.input.batch, items: backbone.itemEmbeddings, tape: &work.tape,
      into: &work.exposureGradient)
  }

  /// The same where only the linked pairs have a part in it.
  private mutating func linkedGradient(factor: S) {
    work.input.shared.batch.pairs = work.input.shared.linked.pairs
    backbone.pushforward(work.outerGradient, for: work.input.shared.batch, into: &work.tangents)
    work.input.shared.batch.pairs = PairBatch()
    let places = work.input.shared.places
    S.gather(work.terms.byLogitAndExposure, at: places, into: &work.linkedTerms)
    S.multiply(work.linkedTerms, work.tangents, scale: -factor, count: places.count, into: &work.cotangents)
    work.linkedTape.take(places, of: work.tape)
    exposure.pullback(
      work.cotangents, for: work.input.shared.linked, items: backbone.itemEmbeddings, tape: &work.linkedTape,
      into: &work.exposureGradient)
  }

  private mutating func addPull(strength: S) {
    precondition(!pullPrior.isEmpty, "a pull needs the prior exposure of every item")
    for k in 0..<work.input.batch.count where work.input.batch.pairs.knownExposures?[k].isNaN ?? true {
      work.cotangents[k] += strength * (work.tape.exposures[k] - S(pullPrior[Int(work.input.batch.pairs.items[k])]))
    }
  }
}
