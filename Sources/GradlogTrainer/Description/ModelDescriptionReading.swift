public import Gradlog

extension ModelDescription {
  /// Reads a description.
  ///
  /// NaN and Infinity are numbers, as Python's json module writes them.
  ///
  /// - Parameter json: UTF-8.
  /// - Throws: `invalidData` with the place, the value found and what would be right.
  public init(json: [UInt8]) throws(GradlogError) {
    try self.init(JSONNode(value: try JSONParser.parse(json), path: ""))
  }

  /// Reads a description from a file.
  ///
  /// - Throws: `notFound` when the file cannot be read, otherwise as ``init(json:)``, with the path.
  public static func read(path: String) throws(GradlogError) -> ModelDescription {
    let json = try fileContents(path, kind: "model description")
    do throws(GradlogError) {
      return try ModelDescription(json: json)
    } catch {
      throw GradlogError(error.code, "\(path): \(error.problem)", remedy: error.remedy)
    }
  }
}

extension ModelDescription {
  fileprivate init(_ root: JSONNode) throws(GradlogError) {
    guard case .object = root.value else {
      throw GradlogError(
        .invalidData, "the model description is \(root.shown) instead of an object",
        remedy: "write {\"layers\": […], \"loss\": …, \"optimizer\": …}")
    }
    let members = try root.members()
    try Self.refuseMisspelt(Array(members.keys).sorted())
    self.init(
      layers: try Self.layers(try Self.required("layers", in: members)),
      loss: try Self.loss(try Self.required("loss", in: members)),
      optimizer: try Optimizer(try Self.required("optimizer", in: members)))
    name = try members["name"]?.string()
    batchSize = try members["batch_size"]?.integer(from: 1) ?? batchSize
    epochs = try members["epochs"]?.integer(from: 0) ?? epochs
    shuffle = try members["shuffle"]?.boolean() ?? shuffle
    seed = UInt64(try members["seed"]?.integer(from: 0) ?? 0)
    validationSplit = try members["validation_split"].flatMap(Self.fraction)
    for (name, node) in try members["initial_weights"]?.members() ?? [:] {
      initialWeights[name] = try node.tensor()
    }
    data = try Self.data(x: members["x"], y: members["y"])
  }

  private static let keys = [
    "name", "layers", "loss", "optimizer", "batch_size", "epochs", "shuffle", "seed",
    "validation_split", "initial_weights", "x", "y",
  ]

  /// Other keys are somebody's notes, but one that is a letter away from ours is a slip.
  private static func refuseMisspelt(_ names: [String]) throws(GradlogError) {
    for name in names where !keys.contains(name) {
      let slip = keys.first {
        $0.count > 1 && NearestName.edits(from: name.lowercased(), to: $0) < 2
      }
      guard let slip else { continue }
      throw GradlogError(
        .invalidData, "the model description has no key \"\(name)\"",
        remedy: "did you mean \"\(slip)\"?")
    }
  }

  /// What a description must have, each with an example.
  private static let requiredKeys = [
    "layers": #"[{"units": 16, "activation": "relu"}, {"units": 1}]"#,
    "loss": #""mean_squared_error""#, "optimizer": #""adam""#,
  ]

  private static func required(
    _ key: String, in members: [String: JSONNode]
  ) throws(GradlogError) -> JSONNode {
    guard let node = members[key] else {
      throw GradlogError(
        .invalidData, "the model description has no \(key)",
        remedy: "add \"\(key)\": \(Self.requiredKeys[key] ?? "…")")
    }
    return node
  }

  private static func layers(_ node: JSONNode) throws(GradlogError) -> [Dense] {
    var layers: [Dense] = []
    for element in try node.elements() { layers.append(try Dense(element)) }
    guard !layers.isEmpty else {
      throw node.failure("which describes no layer", remedy: "write one layer at least")
    }
    return layers
  }

  private static func loss(_ node: JSONNode) throws(GradlogError) -> Loss {
    let name = try node.string()
    guard let loss = Loss(name: name) else {
      throw node.failure(
        "which is not a loss",
        remedy: NearestName.remedy(for: name, among: Loss.allCases.map(\.name), kind: "losses"))
    }
    return loss
  }

  /// A validation split; 0 is none, as in Keras.
  private static func fraction(_ node: JSONNode) throws(GradlogError) -> Double? {
    let fraction = try node.number()
    guard fraction >= 0, fraction < 1 else {
      throw node.failure(
        "which is not a share of the rows", remedy: "write a number from 0 to below 1")
    }
    return fraction == 0 ? nil : fraction
  }

  private static func data(
    x: JSONNode?, y: JSONNode?
  ) throws(GradlogError) -> TrainingData? {
    guard let x, let y else {
      if let lonely = x ?? y {
        throw GradlogError(
          .invalidData, "the model description has \(lonely.path) alone",
          remedy: "give both x and y, or neither")
      }
      return nil
    }
    return try TrainingData(x: try x.matrix(), y: try y.matrix(allowsFlat: true))
  }
}

extension JSONNode {
  /// A list of rows; a flat list is one column where that is allowed.
  fileprivate func matrix(allowsFlat: Bool = false) throws(GradlogError) -> Matrix {
    let tensor = try tensor()
    let shape = tensor.shape
    if shape.count == 2 {
      return Matrix(unchecked: tensor.values, rows: shape[0], columns: shape[1])
    }
    guard allowsFlat, shape.count == 1 else {
      throw failure(
        "with shape \(shape), which is not a list of rows", remedy: "write [[…], […], …]")
    }
    return Matrix(unchecked: tensor.values, rows: shape[0], columns: 1)
  }
}
