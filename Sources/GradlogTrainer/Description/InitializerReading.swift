internal import Gradlog

extension Initializer {
  /// Keras's names.
  private static let names = [
    "zeros", "ones", "constant", "random_normal", "random_uniform", "truncated_normal",
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
    "orthogonal",
  ]

  /// Reads a name such as `he_normal` or `HeNormal`, or an object with a name and parameters.
  init(_ node: JSONNode) throws(GradlogError) {
    var (name, options) = try node.nameAndOptions()
    name = Self.snakeCase(name)
    if let seed = options.removeValue(forKey: "seed") {
      throw seed.failure(
        "but an initializer has no seed of its own here", remedy: "set the \"seed\" of the model")
    }
    func option(_ key: String, _ fallback: Double) throws(GradlogError) -> Double {
      try options.removeValue(forKey: key)?.number() ?? fallback
    }
    switch name {
    case "zeros": self = .zeros
    case "ones": self = .ones
    case "constant": self = .constant(try option("value", 0))
    case "random_normal":
      self = .randomNormal(
        mean: try option("mean", 0), standardDeviation: try option("stddev", 0.05))
    case "random_uniform":
      self = .randomUniform(
        minimum: try option("minval", -0.05), maximum: try option("maxval", 0.05))
    case "truncated_normal":
      self = .truncatedNormal(
        mean: try option("mean", 0), standardDeviation: try option("stddev", 0.05))
    case "glorot_uniform": self = .glorotUniform
    case "glorot_normal": self = .glorotNormal
    case "he_uniform": self = .heUniform
    case "he_normal": self = .heNormal
    case "lecun_uniform": self = .lecunUniform
    case "lecun_normal": self = .lecunNormal
    case "orthogonal": self = .orthogonal(gain: try option("gain", 1))
    default:
      throw node.failure(
        "which is not an initializer",
        remedy: NearestName.remedy(for: name, among: Self.names, kind: "initializers"))
    }
    if let (key, unknown) = options.min(by: { $0.key < $1.key }) {
      throw unknown.failure("but \(name) has no parameter \"\(key)\"", remedy: "leave it out")
    }
  }

  /// `HeNormal` as `he_normal`.
  private static func snakeCase(_ name: String) -> String {
    var result = ""
    for letter in name {
      if letter.isUppercase, !result.isEmpty { result += "_" }
      result += letter.lowercased()
    }
    return result
  }
}
