/// Where a batch is.
public struct ComparedBatch: Sendable, Equatable {
  /// Index of the process in a distributed run.
  public var rank: Int
  /// Zero-based.
  public var epoch: Int
  /// Zero-based, restarts in each epoch.
  public var batch: Int
  /// Zero-based count of optimizer steps.
  public var step: Int
  /// Which of several optimizers; empty when there is one.
  public var optimizer: String
  /// Which application of that optimizer within the batch.
  public var call: Int
}

extension ComparedBatch {
  /// Whether this comes first in the order of steps; of several ranks the lower does.
  func isBefore(_ other: ComparedBatch) -> Bool { (step, rank) < (other.step, other.rank) }
}

extension ComparedBatch: CustomStringConvertible {
  /// `epoch 0, batch 17, step 17`, and what else is not as usual.
  public var description: String {
    [
      rank == 0 ? nil : "rank \(rank)", "epoch \(epoch)", "batch \(batch)", "step \(step)",
      optimizer.isEmpty ? nil : "optimizer \(optimizer)", call == 0 ? nil : "call \(call)",
    ].compactMap { $0 }.joined(separator: ", ")
  }
}

/// The first gradient, in the order of steps and then of weights from the input on, that differs.
public struct FirstDifference: Sendable, Equatable {
  /// The batch in the first run.
  public let place: ComparedBatch
  /// Name of the weight.
  public let weight: String
  /// What of the gradient differs.
  public let difference: DifferingPart
}

/// What of two gradients differs, the first thing there is.
public enum DifferingPart: Sendable, Equatable {
  /// An element, with its index and what it is in either run, in all digits.
  case element(index: [Int], a: String, b: String)
  /// A column of the view `gradients`, with what it is in either run, in all digits.
  case statistic(name: String, a: String, b: String)
  /// One of the runs has no gradient here.
  case presence(inFirst: Bool)
}

/// The first batch in which a number of the batch differs.
public struct FirstContextDifference: Sendable, Equatable {
  /// The batch in the first run.
  public let place: ComparedBatch
  /// The number in the first run.
  public let a: Double
  /// The number in the second run.
  public let b: Double
}

/// Batches of one run to which there is none in the other.
public struct UnmatchedBatches: Sendable, Equatable {
  /// How many.
  public let count: Int
  /// The first by step.
  public let first: ComparedBatch
  /// The last by step.
  public let last: ComparedBatch
}

/// A weight that the two runs do not have alike.
public enum WeightMismatch: Sendable, Hashable {
  /// Only the first run has it.
  case onlyInFirst(String)
  /// Only the second run has it.
  case onlyInSecond(String)
  /// The shapes differ, so it is not compared.
  case shape(String, a: String, b: String)
  /// The element types differ; it is compared by the numbers.
  case dtype(String, a: String, b: String)
}

/// By what gradients were compared: how many by each.
public struct ComparisonBasis: Sendable, Equatable {
  /// By all their bits.
  public internal(set) var values = 0
  /// By values that both runs rounded in the same way, and by statistics, which are those before
  /// rounding; within a tolerance by these alone, as rounding may move elements farther.
  public internal(set) var roundedValues = 0
  /// By statistics, because a run does not have the values.
  public internal(set) var statistics = 0
  /// By statistics, because the runs do not keep the values in the same precision.
  public internal(set) var statisticsForRounding = 0

  mutating func add(_ other: ComparisonBasis) {
    values += other.values
    roundedValues += other.roundedValues
    statistics += other.statistics
    statisticsForRounding += other.statisticsForRounding
  }

  /// `values`, `statistics` or both; empty when no gradient was compared.
  public var name: String {
    let names = [
      values + roundedValues > 0 ? "values" : nil,
      statistics + statisticsForRounding + roundedValues > 0 ? "statistics" : nil,
    ]
    return names.compactMap { $0 }.joined(separator: " and ")
  }
}

/// What a comparison of two runs found.
public struct ComparisonSummary: Sendable {
  /// Which gradient each run holds, `raw` or `applied`.
  public internal(set) var stages = (a: "", b: "")
  /// Batches that were compared.
  public internal(set) var batches = 0
  /// Those of them in which a gradient differs.
  public internal(set) var differingBatches = 0
  /// Which batches were held against each other.
  public internal(set) var alignment = BatchAlignment.epoch
  /// How many batches the other alignment would have compared; nil when it was not looked at.
  public internal(set) var batchesOtherwise: Int?
  /// Where the gradients differ first; nil when they do not.
  public internal(set) var first: FirstDifference?
  /// Where the losses differ first; nil when they do not, or when a run has none.
  public internal(set) var loss: FirstContextDifference?
  /// Where the learning rates differ first; nil likewise.
  public internal(set) var learningRate: FirstContextDifference?
  /// Batches of the first run alone, rank by rank.
  public internal(set) var onlyInFirst: [UnmatchedBatches] = []
  /// Batches of the second run alone, rank by rank.
  public internal(set) var onlyInSecond: [UnmatchedBatches] = []
  /// Ranks of the first run alone.
  public internal(set) var ranksOnlyInFirst: [Int] = []
  /// Ranks of the second run alone.
  public internal(set) var ranksOnlyInSecond: [Int] = []
  /// Weights that the runs do not have alike.
  public internal(set) var weights: [WeightMismatch] = []
  /// By what the gradients were compared.
  public internal(set) var basis = ComparisonBasis()
  /// How far apart elements might be; nil when the same bits were asked for.
  public internal(set) var tolerance: Tolerance?

  /// Whether both runs have the same batches and weights, and their gradients nowhere differ.
  ///
  /// A weight of another element type is not identical, but may agree within a tolerance.
  public var isIdentical: Bool {
    let sameWeights = weights.allSatisfy { mismatch in
      if case .dtype = mismatch { tolerance != nil } else { false }
    }
    return first == nil && onlyInFirst.isEmpty && onlyInSecond.isEmpty && ranksOnlyInFirst.isEmpty
      && ranksOnlyInSecond.isEmpty && sameWeights
  }
}
