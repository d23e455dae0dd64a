/// What a rule said about one weight of a run so far.
struct Finding: Equatable {
  let rule: Rule
  let weightID: Int64
  let firstBatchID: Int64
  var lastBatchID: Int64
  /// Batches that broke the rule.
  var batchCount: Int
  /// The worst value.
  var value: Double
}
