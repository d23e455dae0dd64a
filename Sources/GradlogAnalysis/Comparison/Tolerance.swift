public import Gradlog

/// How far apart two numbers may be and still count as equal: `numpy.isclose(a, b, rtol, atol, equal_nan=True)`,
/// in float64.
///
/// |a − b| ≤ absolute + relative·|b|; equal infinities and two NaN agree, and so do 0.0 and −0.0.
/// https://numpy.org/doc/stable/reference/generated/numpy.isclose.html
public struct Tolerance: Sendable, Equatable {
  /// The part of |b| that a may be away from b.
  public let relative: Double

  /// What a may be away from b whatever b is; in the unit of a and b.
  public let absolute: Double

  /// - Throws: ``GradlogError`` with code `invalidArgument` when one is negative, infinite or NaN.
  public init(relative: Double, absolute: Double) throws(GradlogError) {
    for (name, value) in [("relative", relative), ("absolute", absolute)]
    where !value.isFinite || value < 0 {
      throw GradlogError(
        .invalidArgument, "a \(name) tolerance of \(value) cannot be kept",
        remedy: "give a number, 0 or more")
    }
    self.relative = relative
    self.absolute = absolute
  }

  /// Whether two numbers count as equal.
  func agrees(_ a: Double, _ b: Double) -> Bool {
    agrees(a, b, within: absolute + relative * b.magnitude)
  }

  /// Whether two numbers count as equal when they may be this far apart.
  func agrees(_ a: Double, _ b: Double, within slack: Double) -> Bool {
    if a == b || a.isNaN && b.isNaN { return true }
    return b.isFinite && (a - b).magnitude <= slack
  }
}

extension Tolerance: CustomStringConvertible {
  /// As it is given: `rtol 0.001, atol 0`.
  public var description: String {
    "rtol \(DisplayText.number(relative)), atol \(DisplayText.number(absolute))"
  }
}

extension Tolerance? {
  /// Whether two numbers count as equal; without a tolerance, when they are the same number or both NaN.
  func agrees(_ a: Double, _ b: Double) -> Bool {
    self?.agrees(a, b) ?? (a == b || a.isNaN && b.isNaN)
  }
}
