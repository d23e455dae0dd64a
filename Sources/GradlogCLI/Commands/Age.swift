internal import ArgumentParser

/// A span of time as it is typed: `90m`, `12h`, `30d` or `2w`.
struct Age: Equatable {
  /// How long, in seconds.
  let seconds: Double

  private static let units: [Character: Double] = ["m": 60, "h": 3600, "d": 86_400, "w": 604_800]

  init(_ argument: String) throws {
    guard let unit = argument.last.flatMap({ Self.units[$0] }),
      let count = Int(argument.dropLast()), count >= 0
    else {
      throw ValidationError("write a whole number and a unit: 90m, 12h, 30d or 2w")
    }
    seconds = Double(count) * unit
  }
}
