/// The numbers of one gradient.
///
/// Counts are over all elements; sums, moments, extrema and quantiles over the finite ones only, so
/// that one NaN does not hide the rest. Where there is no finite element, what has no value is nil.
/// Everything is accumulated in Double. Named after the columns of the view `gradients`
/// (docs/FileFormat.md).
public struct GradientStatistics: Sendable, Equatable {
  /// All elements.
  public var elementCount = 0
  /// Elements equal to zero, of either sign.
  public var zeroCount = 0
  /// Slices along the first dimension of which every element is zero; nil for a scalar.
  public var zeroRows: Int?
  /// Slices along the last dimension of which every element is zero; nil for a scalar.
  public var zeroColumns: Int?
  /// NaN elements.
  public var nanCount = 0
  /// Elements equal to +infinity.
  public var posinfCount = 0
  /// Elements equal to −infinity.
  public var neginfCount = 0

  /// Σg.
  public var sum = 0.0
  /// Σ|g|.
  public var sumAbs = 0.0
  /// Σg², which merges exactly over ranks and micro-batches; of float64 gradients it may overflow to
  /// infinity or underflow to zero where ``norm`` does not.
  public var sumSquares = 0.0
  /// √Σg², the Euclidean norm, scaled where the squares would overflow or underflow (J. L. Blue, "A
  /// Portable Fortran Program to Find the Euclidean Norm of a Vector", ACM TOMS 4(1), 1978).
  public var norm: Double?
  /// √(Σg² ÷ finite elements).
  public var rms: Double?
  /// √(Σ(g − mean)² ÷ finite elements): the population standard deviation, by Chan, Golub and
  /// LeVeque's pairwise update ("Updating Formulae and a Pairwise Algorithm for Computing Sample
  /// Variances", Stanford STAN-CS-79-773, 1979).
  public var std: Double?
  /// The smallest element.
  public var min: Double?
  /// The largest element.
  public var max: Double?

  /// Quantiles of |g|, zeros included; each within a factor of 2, see ``ExponentHistogram``.
  public var quantiles: AbsoluteQuantiles?
  /// How many of the finite non-zero elements would become zero in narrower types.
  public var underflow = UnderflowCounts()

  /// Cosine of the angle between this gradient and the one before it of the same weight, from a sample of the
  /// elements, rounded to float32; nil when there is none (docs/FileFormat.md). Only a recorder knows it.
  public var cosine: Double?

  /// Elements that are neither NaN nor infinite.
  public var finiteCount: Int { elementCount - nonFiniteCount }

  /// NaN and infinite elements.
  public var nonFiniteCount: Int { nanCount + posinfCount + neginfCount }

  /// Σg ÷ finite elements.
  public var mean: Double? { finiteCount > 0 ? sum / Double(finiteCount) : nil }

  /// Σ|g| ÷ finite elements.
  public var meanAbs: Double? { finiteCount > 0 ? sumAbs / Double(finiteCount) : nil }

  /// Σ|g| ÷ finite elements that are not zero; nil when there is none.
  public var meanAbsNonZero: Double? {
    finiteCount > zeroCount ? sumAbs / Double(finiteCount - zeroCount) : nil
  }

  /// The largest |g|.
  public var maxAbs: Double? {
    guard let min, let max else { return nil }
    return Swift.max(max, -min)
  }
}

/// Quantiles of |g| over the finite elements. The p-quantile of n elements is the ⌈p·n⌉-th smallest
/// (the first definition of Hyndman and Fan, "Sample Quantiles in Statistical Packages", 1996).
public struct AbsoluteQuantiles: Sendable, Equatable {
  /// The 1 % quantile.
  public var p1 = 0.0
  /// The 5 % quantile.
  public var p5 = 0.0
  /// The 25 % quantile.
  public var p25 = 0.0
  /// The 50 % quantile.
  public var median = 0.0
  /// The 75 % quantile.
  public var p75 = 0.0
  /// The 95 % quantile.
  public var p95 = 0.0
  /// The 99 % quantile.
  public var p99 = 0.0
}

/// Finite non-zero elements below half the smallest subnormal of a type: rounding to nearest makes
/// them zero. An element exactly on that bound, a tie that rounds to zero, is not counted.
public struct UnderflowCounts: Sendable, Equatable {
  /// Elements with |g| < 2⁻²⁵ (IEEE 754 binary16).
  public var float16 = 0
  /// Elements with |g| < 2⁻¹³⁴.
  public var bfloat16 = 0
  /// Elements with |g| < 2⁻¹⁰ (E4M3 of the OCP 8-bit floating point specification, 2023).
  public var float8E4M3 = 0
  /// Elements with |g| < 2⁻¹⁷ (E5M2 of the same).
  public var float8E5M2 = 0
}
