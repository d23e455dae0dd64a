/// The level and the spread of a series that changes slowly, hardly moved by outliers: stochastic
/// approximation (Robbins and Monro, "A Stochastic Approximation Method", 1951) of Huber's location
/// and scale ("Robust Estimation of a Location Parameter", 1964). A value far away moves the level no
/// further than one that is two spreads away, so a spike does not become part of its own baseline.
struct RobustLevel: Sendable {
  /// NaN before the first value.
  private(set) var level = Double.nan
  /// Mean distance of values from the level.
  private(set) var spread = 0.0
  /// Values so far.
  private(set) var count = 0

  /// The weight of one value, once there are many.
  private static let rate = 0.05

  /// Takes a finite value.
  mutating func add(_ value: Double) {
    count += 1
    guard count > 1 else {
      level = value
      spread = 0
      return
    }
    let rate = max(Self.rate, 1 / Double(count))
    let distance = value - level
    let reach = count < 8 ? .infinity : 2 * spread + 0.05
    level += rate * min(max(distance, -reach), reach)
    spread += rate * (min(abs(distance), 2 * reach) - spread)
  }

  /// How far a value lies above the level.
  func rise(of value: Double) -> Double { value - level }
}
