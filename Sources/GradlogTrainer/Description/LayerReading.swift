internal import Gradlog

extension Dense {
  /// Options of `keras.layers.Dense` that a description may carry without effect here.
  private static let ignoredOptions = ["name", "dtype"]

  private static let options = [
    "units", "activation", "use_bias", "kernel_initializer", "bias_initializer", "trainable",
  ]

  /// Parameters of an activation, allowed beside its name.
  private static let activationOptions = ["negative_slope", "alpha"]

  /// Reads one element of `layers`.
  init(_ node: JSONNode) throws(GradlogError) {
    let members = try node.members()
    for (key, member) in members.sorted(by: { $0.key < $1.key }) {
      if key == "type" || key == "class_name" {
        guard try member.string().lowercased() == "dense" else {
          throw member.failure("which is not a known layer", remedy: "the only layer is Dense")
        }
      } else if !(Self.options + Self.activationOptions + Self.ignoredOptions).contains(key) {
        throw member.failure(
          "but a layer has no option \"\(key)\"",
          remedy: NearestName.remedy(for: key, among: Self.options, kind: "options"))
      }
    }
    guard let units = members["units"] else {
      throw GradlogError(
        .invalidData, "\(node.path) has no units", remedy: "write \"units\": 16, say")
    }
    self.init(try units.integer(from: 1))
    let parameters = members.filter { Self.activationOptions.contains($0.key) }
    if let activation = members["activation"] {
      self.activation = try Activation(activation, parameters: parameters)
    } else if let stray = parameters.values.first {
      throw stray.failure("but the layer names no activation", remedy: "add \"activation\"")
    }
    usesBias = try members["use_bias"]?.boolean() ?? true
    isTrainable = try members["trainable"]?.boolean() ?? true
    if let kernel = members["kernel_initializer"] { kernelInitializer = try Initializer(kernel) }
    if let bias = members["bias_initializer"] {
      biasInitializer = try Initializer(bias)
      if case .orthogonal = biasInitializer {
        throw bias.failure("which needs a matrix", remedy: "choose another one, such as \"zeros\"")
      }
    }
  }
}

extension Activation {
  /// Reads a name, or an object with a name and parameters, which may also stand in `parameters`.
  fileprivate init(
    _ node: JSONNode, parameters: [String: JSONNode]
  ) throws(GradlogError) {
    let (name, options) = try node.nameAndOptions()
    let names = Activation.all.map(\.name)
    guard let found = Activation(name: name) else {
      throw node.failure(
        "which is not an activation",
        remedy: NearestName.remedy(for: name, among: names, kind: "activations"))
    }
    self = found
    for (key, option) in parameters.merging(options, uniquingKeysWith: { $1 }) {
      switch (found, key) {
      case (.leakyReLU, "negative_slope"): self = .leakyReLU(negativeSlope: try option.number())
      case (.elu, "alpha"): self = .elu(alpha: try option.number())
      default:
        throw option.failure(
          "but \(name) has no parameter \"\(key)\"",
          remedy: "leaky_relu has negative_slope, elu has alpha")
      }
    }
  }
}

extension JSONNode {
  /// A name alone, or an object: {"name": …, parameters} or {"class_name": …, "config": {parameters}}.
  func nameAndOptions() throws(GradlogError) -> (name: String, options: [String: JSONNode]) {
    guard case .object = value else { return (try string(), [:]) }
    var members = try members()
    guard let name = members["name"] ?? members["class_name"] else {
      throw GradlogError(.invalidData, "\(path) has no name", remedy: "write \"name\": \"…\"")
    }
    let options = try members["config"]?.members() ?? [:]
    for key in ["name", "class_name", "config", "module", "registered_name"] {
      members[key] = nil
    }
    return (try name.string(), options.merging(members) { $1 })
  }
}
