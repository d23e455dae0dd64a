internal import Gradlog

extension Optimizer {
  /// What Keras's optimizers can do and this one cannot: each must be absent, null or false.
  private static let unsupported = ["use_ema", "loss_scale_factor", "gradient_accumulation_steps"]

  /// Options of averaging weights, without effect as long as `use_ema` is false.
  private static let ignored = ["ema_momentum", "ema_overwrite_frequency"]

  private static let commonOptions = [
    "learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue",
  ]

  private static func ownOptions(of name: String) -> [String] {
    switch name {
    case "sgd": ["momentum", "nesterov"]
    case "rmsprop": ["rho", "momentum", "epsilon", "centered"]
    default: ["beta_1", "beta_2", "epsilon", "amsgrad"]
    }
  }

  /// Reads a name, or an object with a name and options, which may stand beside the name, in `config`
  /// (as Keras's `get_config` gives them), or in both.
  init(_ node: JSONNode) throws(GradlogError) {
    let (spelling, options) = try node.nameAndOptions()
    let name = spelling.lowercased()
    guard Self.names.contains(name) else {
      throw node.replacingValue(.string(spelling)).failure(
        "which is not an optimizer",
        remedy: NearestName.remedy(for: spelling, among: Self.names, kind: "optimizers"))
    }
    var reader = OptionReader(options: options.filter { $0.key != "name" })
    try reader.refuseUnsupported(Self.unsupported, ignoring: Self.ignored)
    try reader.refuseUnknown(
      known: Self.commonOptions + Self.ownOptions(of: name), optimizer: name)
    self = try Self.make(name, reader)
    do throws(GradlogError) {
      try check()
    } catch {
      throw GradlogError(.invalidData, "\(node.path): \(error.problem)", remedy: error.remedy)
    }
  }

  private static func make(
    _ name: String, _ options: OptionReader
  ) throws(GradlogError) -> Optimizer {
    let clipping = try options.clipping()
    let decay = try options.optionalNumber("weight_decay")
    let rate = try options.number("learning_rate", name == "sgd" ? 0.01 : 0.001)
    switch name {
    case "sgd":
      return .sgd(
        learningRate: rate, momentum: try options.number("momentum", 0),
        nesterov: try options.boolean("nesterov"), weightDecay: decay, clipping: clipping)
    case "rmsprop":
      return .rmsprop(
        learningRate: rate, rho: try options.number("rho", 0.9),
        momentum: try options.number("momentum", 0), epsilon: try options.number("epsilon", 1e-7),
        centered: try options.boolean("centered"), weightDecay: decay, clipping: clipping)
    case "adamw":
      return .adamW(
        learningRate: rate, weightDecay: decay ?? 0.004, beta1: try options.number("beta_1", 0.9),
        beta2: try options.number("beta_2", 0.999), epsilon: try options.number("epsilon", 1e-7),
        amsgrad: try options.boolean("amsgrad"), clipping: clipping)
    default:
      return .adam(
        learningRate: rate, beta1: try options.number("beta_1", 0.9),
        beta2: try options.number("beta_2", 0.999), epsilon: try options.number("epsilon", 1e-7),
        amsgrad: try options.boolean("amsgrad"), weightDecay: decay, clipping: clipping)
    }
  }
}

/// The options of one optimizer, each taken by its Keras name.
private struct OptionReader {
  var options: [String: JSONNode]

  mutating func refuseUnsupported(
    _ unsupported: [String], ignoring ignored: [String]
  ) throws(GradlogError) {
    for key in unsupported {
      guard let option = options.removeValue(forKey: key) else { continue }
      if option.value == .boolean(false) { continue }
      throw option.failure(
        "but this trainer does not have it", remedy: "leave \(key) out or train in Keras")
    }
    for key in ignored { options[key] = nil }
  }

  func refuseUnknown(known: [String], optimizer: String) throws(GradlogError) {
    for (key, option) in options.sorted(by: { $0.key < $1.key }) where !known.contains(key) {
      throw option.failure(
        "but \(optimizer) has no option \"\(key)\"",
        remedy: NearestName.remedy(for: key, among: known, kind: "options"))
    }
  }

  func optionalNumber(_ key: String) throws(GradlogError) -> Double? {
    guard let option = options[key] else { return nil }
    if case .object = option.value {
      throw option.failure(
        "but this trainer has no schedules", remedy: "write one number for \(key)")
    }
    return try option.number()
  }

  func number(_ key: String, _ fallback: Double) throws(GradlogError) -> Double {
    try optionalNumber(key) ?? fallback
  }

  func boolean(_ key: String) throws(GradlogError) -> Bool {
    try options[key]?.boolean() ?? false
  }

  /// The one kind of clipping that is given; a limit of 0 or less is none, as in Keras.
  func clipping() throws(GradlogError) -> GradientClipping? {
    let given = ["clipnorm", "global_clipnorm", "clipvalue"].compactMap { options[$0] }
    if given.count > 1 {
      throw given[1].failure(
        "but \(given[0].path) is given too",
        remedy: "keep one of clipnorm, global_clipnorm, clipvalue")
    }
    let kinds: [(String, (Double) -> GradientClipping)] = [
      ("clipnorm", { .norm($0) }), ("global_clipnorm", { .globalNorm($0) }),
      ("clipvalue", { .value($0) }),
    ]
    for (key, kind) in kinds {
      if let limit = try optionalNumber(key), limit > 0 { return kind(limit) }
    }
    return nil
  }
}

extension JSONNode {
  /// The same place with another value, for a message about a part of it.
  fileprivate func replacingValue(_ value: JSONValue) -> JSONNode {
    JSONNode(value: value, path: path)
  }
}
