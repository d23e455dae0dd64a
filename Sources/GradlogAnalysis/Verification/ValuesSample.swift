/// Which gradients have their statistics recomputed: the same ones each time a file is verified.
struct ValuesSample {
  /// The part of the gradients that is chosen, 0 to 1.
  let share: Double

  /// Bytes whose statistics are recomputed in about a second or two.
  private static let bytes = 2e9
  /// Gradients that are looked up in about the same time.
  private static let gradients = 1e6

  init(share: Double) {
    self.share = share
  }

  /// The share that takes a few seconds at most.
  ///
  /// - Parameters:
  ///   - fileSize: bytes of the file.
  ///   - gradients: gradients in it, about.
  init(fileSize: Int, gradients: Int) {
    share = min(
      1, Self.bytes / Double(max(fileSize, 1)), Self.gradients / Double(max(gradients, 1)))
  }

  /// Whether the gradient with this key is chosen.
  func contains(_ gradientID: Int64) -> Bool {
    share >= 1 || Double(Self.scattered(UInt64(bitPattern: gradientID)) >> 11) * 0x1p-53 < share
  }

  /// SplitMix64's output function (G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom
  /// Number Generators", OOPSLA 2014): keys that follow each other are chosen independently, so
  /// that no weight is left out because its turn is always the same.
  private static func scattered(_ key: UInt64) -> UInt64 {
    var bits = key &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}
