internal import Gradlog

/// Two runs in one rank: compares batch by batch.
final class RankComparison {
  /// What reads the batches of either run.
  let readers: (a: BatchReader, b: BatchReader)

  private let weights: [(a: ComparedWeight, b: ComparedWeight)]
  private let gradients: GradientComparison
  private var rows: (a: [ComparedGradient?], b: [ComparedGradient?])

  init(
    weights: [(a: ComparedWeight, b: ComparedWeight)],
    readers: (a: BatchReader, b: BatchReader), _ gradients: GradientComparison
  ) {
    self.readers = readers
    self.weights = weights
    self.gradients = gradients
    let none = [ComparedGradient?](repeating: nil, count: weights.count)
    rows = (none, none)
  }

  /// Compares two batches, given by their keys, and adds what is found to a summary; nil when one of
  /// them cannot be found.
  func compare(
    _ first: Int64, _ second: Int64, _ summary: inout ComparisonSummary
  ) throws -> DriftRow? {
    guard let a = try readers.a.batch(first), let b = try readers.b.batch(second) else {
      return nil
    }
    summary.batches += 1
    summary.noteContext(a, b)
    try readers.a.read(first, a, into: &rows.a)
    try readers.b.read(second, b, into: &rows.b)
    var row = DriftRow(a.place)
    (row.lossA, row.lossB) = (a.loss, b.loss)
    var worst = Severity.equal
    for slot in weights.indices where rows.a[slot] != nil || rows.b[slot] != nil {
      let found = try gradients.compare(weights[slot], rows.a[slot], rows.b[slot])
      guard let found else { continue }
      row.weights += 1
      row.basis.add(found.basis)
      if let part = found.part {
        row.differingWeights += 1
        row.firstWeight = row.firstWeight ?? weights[slot].a.name
        if summary.first.map({ a.place.isBefore($0.place) }) ?? true {
          summary.first = FirstDifference(
            place: a.place, weight: weights[slot].a.name, difference: part())
        }
      }
      let severity = Severity(found)
      guard severity > worst else { continue }
      worst = severity
      row.worstWeight = weights[slot].a.name
      row.drift = found.drift
    }
    // Equal statistics do not prove equal directions.
    if row.worstWeight == nil, row.basis.name != "values" { row.drift.cosine = nil }
    summary.basis.add(row.basis)
    if row.differingWeights > 0 { summary.differingBatches += 1 }
    return row
  }
}

/// How far gradients are apart, as far as the weights of a batch are put in order by it.
///
/// A gradient that one run lacks is the least of it: that stays so from batch to batch, and would hide
/// what else there is.
private struct Severity: Comparable {
  private enum Kind: Int { case equal, unknown, apart, notANumber }

  private let kind: Kind
  private let relative: Double

  static let equal = Severity(.equal, 0)

  private init(_ kind: Kind, _ relative: Double) {
    self.kind = kind
    self.relative = relative
  }

  init(_ difference: GradientDifference) {
    let relative = difference.drift.relative
    if relative?.isNaN == true {
      self.init(.notANumber, 0)
    } else if let relative, relative > 0 || difference.part != nil {
      self.init(.apart, relative)
    } else {
      self.init(difference.part == nil ? .equal : .unknown, 0)
    }
  }

  static func < (left: Severity, right: Severity) -> Bool {
    (left.kind.rawValue, left.relative) < (right.kind.rawValue, right.relative)
  }
}

extension ComparisonSummary {
  /// Notes the losses and learning rates of two batches, should they be the first that differ.
  fileprivate mutating func noteContext(_ a: BatchReader.Batch, _ b: BatchReader.Batch) {
    func earlier(
      _ known: FirstContextDifference?, _ first: Double?, _ second: Double?,
      within tolerance: Tolerance?
    ) -> FirstContextDifference? {
      guard let first, let second, !tolerance.agrees(first, second),
        known.map({ a.place.isBefore($0.place) }) ?? true
      else { return known }
      return FirstContextDifference(place: a.place, a: first, b: second)
    }
    loss = earlier(loss, a.loss, b.loss, within: tolerance)
    // It was set, and not computed.
    learningRate = earlier(learningRate, a.learningRate, b.learningRate, within: nil)
  }
}
