internal import GradlogAnalysis

/// What `gradlog diff` says: the verdict first, then what a reader has to know to trust it.
struct DiffText {
  /// Names that are listed of many.
  private static let longestList = 8

  private let summary: ComparisonSummary
  private let a: String
  private let b: String

  /// - Parameters:
  ///   - summary: what was found.
  ///   - a: what to call the first run.
  ///   - b: what to call the second.
  init(_ summary: ComparisonSummary, _ a: String, _ b: String) {
    self.summary = summary
    self.a = a
    self.b = b
  }

  /// Sentences, without a full stop.
  var lines: [String] {
    [verdict] + context + [counts].compactMap(\.self) + stages + alignment + batches + ranks
      + weights
  }

  private var verdict: String {
    guard let first = summary.first else {
      let batches = Self.count(summary.batches, "batch", "batches")
      guard summary.isIdentical else {
        let beyond = summary.tolerance.map { " beyond \($0)" } ?? ""
        return "no difference\(beyond) in what both have: \(batches)\(basis)"
      }
      let kind = summary.tolerance.map { "equal within \($0)" } ?? "identical"
      return "\(kind) in all \(batches)\(basis)"
    }
    let place = "first difference: \(first.place), weight \(first.weight)"
    switch first.difference {
    case .element(let index, let a, let b):
      let element = index.map(String.init).joined(separator: ",")
      return place + (index.isEmpty ? "" : ", element [\(element)]") + ": \(a) against \(b)"
    case .statistic(let name, let a, let b): return "\(place), \(name): \(a) against \(b)"
    case .presence(let inFirst):
      return "\(place): a gradient in \(inFirst ? a : b), none in \(inFirst ? b : a)"
    }
  }

  /// Losses and learning rates that differ no later than the gradients.
  private var context: [String] {
    [("learning rate", summary.learningRate), ("loss", summary.loss)].compactMap { name, found in
      guard let found else { return nil }
      if let first = summary.first,
        (first.place.step, first.place.rank) < (found.place.step, found.place.rank)
      {
        return nil
      }
      return "the \(name) differs from \(found.place) on: \(Self.number(found.a)) against "
        + Self.number(found.b)
    }
  }

  private var counts: String? {
    guard summary.first != nil else { return nil }
    let beyond = summary.tolerance.map { " beyond \($0)" } ?? ""
    let batches = Self.count(summary.batches, "batch", "batches")
    return "\(summary.differingBatches) of \(batches) differ\(beyond)\(basis)"
  }

  /// By what was compared, and why not by values.
  private var basis: String {
    let basis = summary.basis
    let parts = [
      (basis.values, "by values"), (basis.roundedValues, "by rounded values and by statistics"),
      (basis.statistics, "by statistics, as the values are not in both"),
      (basis.statisticsForRounding, "by statistics, as the values are not in one precision"),
    ].filter { $0.0 > 0 }
    guard parts.count > 1 else { return parts.first.map { ", compared \($0.1)" } ?? "" }
    let counts = parts.map { "\(Self.count($0.0, "gradient")) \($0.1)" }
    return "; compared were " + counts.joined(separator: ", ")
  }

  private var stages: [String] {
    let stages = summary.stages
    guard stages.a != stages.b else { return [] }
    return ["\(a) holds \(stages.a) gradients, \(b) \(stages.b) ones"]
  }

  private var alignment: [String] {
    guard let otherwise = summary.batchesOtherwise else { return [] }
    return [
      "batches are matched by step: by epoch and batch, only "
        + "\(otherwise) would be; --align epoch does that"
    ]
  }

  private var batches: [String] {
    [(summary.onlyInFirst, a), (summary.onlyInSecond, b)].flatMap { unmatched, title in
      unmatched.map { batches in
        let count = Self.count(batches.count, "batch is", "batches are")
        let range =
          batches.count == 1
          ? "\(batches.first)" : "the first \(batches.first), the last \(batches.last)"
        return "\(count) only in \(title): \(range)"
      }
    }
  }

  private var ranks: [String] {
    [(summary.ranksOnlyInFirst, a), (summary.ranksOnlyInSecond, b)].compactMap { ranks, title in
      guard !ranks.isEmpty else { return nil }
      let names = Self.list(ranks.map(String.init))
      return "only in \(title): rank\(ranks.count == 1 ? "" : "s") \(names)"
    }
  }

  private var weights: [String] {
    var only: (a: [String], b: [String]) = ([], [])
    var lines: [String] = []
    for mismatch in summary.weights {
      switch mismatch {
      case .onlyInFirst(let name): only.a.append(name)
      case .onlyInSecond(let name): only.b.append(name)
      case .shape(let name, let first, let second):
        lines.append(
          "weight \(name) is not compared: its shape is \(first) in \(a), \(second) in \(b)")
      case .dtype(let name, let first, let second):
        lines.append("weight \(name) is \(first) in \(a), \(second) in \(b)")
      }
    }
    let hidden = lines.count - Self.longestList
    if hidden > 0 {
      lines.removeLast(hidden)
      lines.append("\(Self.count(hidden, "more weight")) of another shape or dtype")
    }
    return [(only.a, a), (only.b, b)].compactMap { names, title in
      guard !names.isEmpty else { return nil }
      let count = Self.count(names.count, "weight is", "weights are")
      return "\(count) only in \(title): \(Self.list(names))"
    } + lines
  }

  private static func list(_ names: [String]) -> String {
    let hidden = names.count - longestList
    return names.prefix(longestList).joined(separator: ", ")
      + (hidden > 0 ? " and \(hidden) more" : "")
  }

  private static func count(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
  }

  private static func number(_ number: Double) -> String { number.isNaN ? "nan" : "\(number)" }
}
