internal import Glibc

/// How far the norm of each weight is above its own history: tells which weight an explosion began in.
struct WeightRises: Sendable {
  private var levels: [RobustLevel] = []
  /// In the batch before.
  private var norms: [Double] = []
  /// The weight that is highest above its own level in this batch; nil when none has one.
  private(set) var highest: Int?

  mutating func observe(_ gradients: [ObservedGradient]) {
    highest = nil
    var highestRise = -Double.infinity
    for gradient in gradients where gradient.norm > 0 && gradient.norm.isFinite {
      while levels.count <= gradient.weight {
        levels.append(RobustLevel())
        norms.append(.nan)
      }
      norms[gradient.weight] = gradient.norm
      let size = log2(gradient.norm)
      let rise = levels[gradient.weight].rise(of: size)
      if rise > highestRise { (highestRise, highest) = (rise, gradient.weight) }
      levels[gradient.weight].add(size)
    }
  }

  /// The norm that a weight's gradient had when it was observed last; NaN before.
  func previousNorm(of weight: Int) -> Double { weight < norms.count ? norms[weight] : .nan }
}
