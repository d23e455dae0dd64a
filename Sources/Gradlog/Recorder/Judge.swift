/// Judges each batch by itself and by those before it: measures its gradients, compares their directions and applies the
/// detectors. It needs nothing of the file, so that nobody who waits for a verdict waits for the disk; but before the first
/// batch of a run that is taken up again it looks at what the file holds of that.
///
/// With a ``GradientRecorder/StopCondition`` a batch is judged before the call returns that hands it over, by the thread
/// that does so; otherwise later, on the recorder's own. Batches come into the file in the order in which they were
/// judged.
final class Judge: Sendable {
  private let bench: Monitor<Bench>
  /// Whether each batch is to be judged as soon as it is there.
  let isUrgent: Bool

  /// A judge of a run, which is `resumed` when the file holds some of it: it goes on with what that shows.
  init(_ run: RunState, resumed: ResumedRun? = nil, isUrgent: Bool, watch: FindingWatch) {
    bench = Monitor(Bench(run, resumed, watch))
    self.isUrgent = isUrgent
  }

  /// Judges the batches of a slab that were not judged yet, and calls `handOver` before another slab is judged.
  func judge<Result>(_ slab: Slab, then handOver: () -> Result) -> Result {
    bench.withLock { bench in
      bench.judge(slab)
      return handOver()
    }
  }
}

/// What the ``Judge`` says of a batch.
struct Verdict {
  /// The batch's number, counted in the order of judging from 1, or from the last key that the run held before; 0 when it
  /// does not fit the run.
  var number: Int64 = 0
  /// Zero-based count of optimizer steps in the run.
  let step: Int
  /// Why the batch cannot be recorded; nil when it can.
  var failure: GradlogError?
  /// The findings that begin or become worse, but for mere information.
  var begun: [LiveFinding] = []
}

/// What the ``Judge`` knows.
private final class Bench {
  private let watch: FindingWatch
  private var pass = StatisticsPass()
  private let directions = GradientDirections()
  private var weights: KnownWeights
  private var detectors = Detectors()
  private var optimizers = OptimizerLabels()
  /// The gradients of the batch being judged, as the detectors see them; kept for its memory.
  private var observed: [ObservedGradient] = []
  /// Begins after the keys of the batches that the run held before.
  private var lastNumber: Int64
  /// The step of the next batch that does not name one.
  private var nextStep: Int
  /// nil after the first batch.
  private var resumed: ResumedRun?

  init(_ run: RunState, _ resumed: ResumedRun?, _ watch: FindingWatch) {
    self.watch = watch
    self.resumed = resumed
    weights = KnownWeights(run.weights)
    lastNumber = run.lastBatchID
    nextStep = run.nextStep
  }

  func judge(_ slab: Slab) {
    guard slab.verdicts.count < slab.batches.count else { return }
    slab.measure(with: &pass)
    let goesOn = goOn(before: slab.batches[0].context)
    for batch in slab.batches[slab.verdicts.count...] {
      slab.append(verdict: verdict(on: batch, of: slab))
    }
    slab.append(changed: detectors.takeChanged(), of: optimizers.all, goingOn: goesOn)
  }

  /// Before the first batch of a run that is taken up again, brings the detectors to where they would be if it had never
  /// been closed. Returns whether it did.
  private func goOn(before context: BatchContext) -> Bool {
    guard let resumed = resumed.take() else { return false }
    if let step = resumed.step(of: context) { nextStep = step }
    do throws(GradlogError) {
      let run = try resumed.replay(before: context)
      (detectors, optimizers) = (run.detectors, run.labels)
      detectors.goOn()
      if run.batchCount == 0 { weights.beginAnew() }
      return true
    } catch {
      complain("what the run held cannot be looked at again, so detection begins anew: \(error)")
      return false
    }
  }

  private func verdict(on batch: PendingBatch, of slab: Slab) -> Verdict {
    nextStep += batch.lostBefore
    var verdict = Verdict(step: batch.context.step ?? nextStep)
    nextStep = verdict.step + 1
    do throws(GradlogError) {
      try nameWeights(of: batch, slab)
    } catch {
      verdict.failure = error
      return verdict
    }
    lastNumber += 1
    verdict.number = lastNumber
    observe(batch, of: slab)
    verdict.begun = detect(batch.context, verdict)
    if !verdict.begun.isEmpty { watch.note(verdict.begun) }
    return verdict
  }

  /// Looks up every weight first: a batch with a gradient that does not fit is not judged.
  private func nameWeights(of batch: PendingBatch, _ slab: Slab) throws(GradlogError) {
    weights.beginBatch(batch.initialNorms)
    for position in batch.gradients {
      let index = try weights.index(of: slab.gradients[position])
      slab.setWeight(index, initialNorm: weights.initialNorm(at: index), at: position)
    }
  }

  private func observe(_ batch: PendingBatch, of slab: Slab) {
    observed.removeAll(keepingCapacity: true)
    directions.begin(optimizer: batch.context.optimizer)
    for position in batch.gradients {
      let index = slab.gradients[position].index
      let isAbsent = slab.gradients[position].tensor == nil
      introduceWeight(at: index, isAbsent: isAbsent)
      guard !isAbsent else {
        observed.append(ObservedGradient(absent: index))
        continue
      }
      slab.setCosine(cosine(of: position, in: slab, weight: index), at: position)
      observed.append(ObservedGradient(slab.statistics(at: position), of: index))
    }
  }

  private func cosine(of position: Int, in slab: Slab, weight index: Int) -> Double? {
    switch slab.tensor(at: position) {
    case .whole(let view): return directions.cosine(of: view, weight: index)
    case .rows:
      // The rows of an embedding that are there are others in each batch.
      directions.forget(weight: index)
      return nil
    case nil: return slab.sample(at: position).flatMap { directions.cosine(of: $0, weight: index) }
    }
  }

  /// Tells the detectors of a weight that is new, of the shape of one that had no gradient before, and of one that was
  /// frozen or unfrozen.
  private func introduceWeight(at index: Int, isAbsent: Bool) {
    while detectors.weights.count <= index {
      _ = detectors.register(ObservedWeight(position: detectors.weights.count))
    }
    guard
      detectors.weights[index].dtype == nil
        || detectors.weights[index].isFrozen != weights.isFrozen(at: index)
    else { return }
    detectors.update(weights.observed(at: index), at: index, isAbsent: isAbsent)
  }

  private func detect(_ context: BatchContext, _ verdict: Verdict) -> [LiveFinding] {
    let place = BatchPlace(
      batchID: verdict.number, epoch: context.epoch, batch: context.batch, step: verdict.step,
      learningRate: context.learningRate)
    detectors.observe(
      ObservedBatch(
        place: place, optimizer: optimizers.number(of: context.optimizer), loss: context.loss,
        lossScale: context.lossScale),
      observed)
    return detectors.begun.lazy.filter { $0.severity > .info }.map { finding in
      LiveFinding(
        finding, of: finding.weight.map(self.weights.name), optimizer: context.optimizer)
    }
  }
}
