/// Which of the two things called "the gradient" a run holds.
///
/// One run never mixes them.
public enum GradientStage: String, Sendable, CaseIterable {
  /// d(loss)/d(weight) of one batch: loss scale divided out, before accumulation, clipping and
  /// all-reduce.
  case raw
  /// The tensor that the update rule consumes, one per optimizer step: after accumulation, clipping
  /// and all-reduce. Equal to ``raw`` when there is none of these.
  case applied
}
