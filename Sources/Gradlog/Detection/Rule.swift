/// What can be wrong with a training, as its gradients show it. Each rule has a detector of its own;
/// `gradlog diagnose --explain RULE` prints formula, thresholds and sources.
public enum Rule: String, Sendable, CaseIterable {
  /// A NaN or infinite element.
  case nonFinite = "nonfinite"
  /// Gradients that outgrow their own history.
  case exploding
  /// Gradients that do not reach the first layers, or no layer.
  case vanishing
  /// Units whose gradient is exactly zero, batch after batch.
  case dead
  /// Training that goes nowhere.
  case stagnation
  /// Gradients that turn round from batch to batch: steps that are too large.
  case oscillation
  /// Gradients lost below the smallest number of a 16-bit type.
  case underflow
  /// A weight without gradient.
  case absent
  /// Gradients that were not zeroed between steps.
  case accumulating
  /// How much of a gradient is noise: information, not trouble.
  case noiseScale = "noise-scale"

  /// How bad a finding is.
  public enum Severity: String, Sendable, CaseIterable, Comparable {
    /// Worth knowing.
    case info
    /// Training may still succeed.
    case warning
    /// Training is broken, or goes nowhere.
    case critical

    /// Milder severities come first.
    public static func < (one: Severity, other: Severity) -> Bool {
      one.order < other.order
    }

    private var order: Int {
      switch self {
      case .info: 0
      case .warning: 1
      case .critical: 2
      }
    }
  }
}
