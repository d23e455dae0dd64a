/// How far the gradients of two runs are apart in one batch.
///
/// The numbers are those of the weight that is farthest apart, where a and b are its gradients in the two
/// runs. When a gradient was compared by statistics alone, only what they prove is told: the elements
/// differ by so much or more.
public struct DriftRow: Sendable, Equatable {
  /// The batch in the first run.
  public let place: ComparedBatch
  /// Weights of which a run has a gradient in this batch.
  public internal(set) var weights = 0
  /// Those of them whose gradients differ, beyond the tolerance if there is one.
  public internal(set) var differingWeights = 0
  /// The first of these, from the input on.
  public internal(set) var firstWeight: String?
  /// The weight with the largest relative difference; nil when no gradient differs at all.
  public internal(set) var worstWeight: String?
  /// How far the gradients of that weight are apart.
  public internal(set) var drift = Drift.none
  /// Loss of the batch in the first run, possibly NaN; nil when not recorded.
  public internal(set) var lossA: Double?
  /// Loss of the batch in the second run.
  public internal(set) var lossB: Double?
  /// By what the gradients were compared.
  public internal(set) var basis = ComparisonBasis()

  init(_ place: ComparedBatch) {
    self.place = place
  }
}

/// How far two gradients a and b of one weight are apart.
public struct Drift: Sendable, Equatable {
  /// max|a − b|, where equal elements and two NaN are 0 apart; NaN when one of two is NaN. nil when
  /// unknown. By statistics, the larger of |max a − max b| and |min a − min b|, which max|a − b| is not
  /// below.
  public var largest: Double?
  /// ‖a − b‖ ÷ ‖a‖, the norm of a over the elements that are finite in both; 0 when a and b are equal,
  /// infinite when only a is 0. nil when unknown. By statistics |‖a‖ − ‖b‖| ÷ ‖a‖, which ‖a − b‖ ÷ ‖a‖ is
  /// not below.
  public var relative: Double?
  /// a·b ÷ (‖a‖ ‖b‖) over the elements that are finite in both; nil when a norm is 0 or unknown.
  public var cosine: Double?

  /// Of gradients that are equal in all bits.
  public static let none = Drift(largest: 0, relative: 0, cosine: 1)

  static let unknown = Drift(largest: nil, relative: nil, cosine: nil)
}

/// Chooses the batches that make a row: the first that differs, those 1, 2, 4, 8 … after it, and the last.
///
/// Drift grows exponentially in its early steps and then levels off, so that equal ratios show it best.
struct DriftSelection {
  let showsAll: Bool
  private var distance: Int?
  private var waiting: DriftRow?

  init(showsAll: Bool) {
    self.showsAll = showsAll
  }

  /// Hands over the last row of a rank; the next row is that of another.
  mutating func finish(_ report: (DriftRow) throws -> Void) throws {
    if let waiting { try report(waiting) }
    waiting = nil
    distance = nil
  }

  /// Takes the rows in order.
  mutating func take(_ row: DriftRow, _ report: (DriftRow) throws -> Void) throws {
    if showsAll { return try report(row) }
    if let before = distance {
      distance = before + 1
    } else if row.differingWeights > 0 {
      distance = 0
    }
    guard let distance else { return }
    let isPowerOfTwo = distance & (distance - 1) == 0
    waiting = isPowerOfTwo ? nil : row
    if isPowerOfTwo { try report(row) }
  }
}
