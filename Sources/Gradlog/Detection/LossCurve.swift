/// The losses of a training so far, in few numbers: means over equal stretches, which grow as the
/// training goes on.
struct LossCurve: Sendable {
  /// Means of whole stretches.
  private var means: [Double] = []
  /// Losses in a stretch.
  private var stretch = 1
  private var sum = 0.0
  private var pending = 0
  private var previous = Double.nan
  /// Mean distance between neighbouring losses.
  private var roughness = 0.0
  private(set) var count = 0
  /// The means of the first quarter of the losses, of the third and of the last; NaN before there are two stretches.
  private(set) var quarters = (first: Double.nan, third: Double.nan, last: Double.nan)

  private static let capacity = 64

  mutating func add(_ loss: Double) {
    count += 1
    if previous.isFinite {
      // One wild loss is not how losses differ.
      let step = min(abs(loss - previous), count < 8 ? .infinity : 4 * roughness)
      roughness += max(0.02, 1 / Double(count)) * (step - roughness)
    }
    previous = loss
    sum += loss
    pending += 1
    guard pending == stretch else { return }
    means.append(sum / Double(stretch))
    (sum, pending) = (0, 0)
    if means.count == Self.capacity { halve() }
    quarters = currentQuarters
  }

  private mutating func halve() {
    for index in 0..<Self.capacity / 2 {
      means[index] = (means[2 * index] + means[2 * index + 1]) / 2
    }
    means.removeLast(Self.capacity / 2)
    stretch *= 2
  }

  private var currentQuarters: (first: Double, third: Double, last: Double) {
    let length = max(1, means.count / 4)
    guard means.count >= 2 else { return (.nan, .nan, .nan) }
    return (
      mean(means.prefix(length)), mean(means.suffix(2 * length).prefix(length)),
      mean(means.suffix(length))
    )
  }

  /// The standard deviation of one loss around the curve, from the mean distance of neighbours: 2 ÷ √π of it for
  /// independent normal noise (J. von Neumann et al., "The Mean Square Successive Difference", 1941, for squares).
  var noise: Double { roughness * 0.886 }

  private func mean(_ values: ArraySlice<Double>) -> Double {
    values.reduce(0, +) / Double(values.count)
  }
}
