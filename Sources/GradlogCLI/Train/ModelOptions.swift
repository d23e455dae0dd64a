public import ArgumentParser
internal import Foundation
public import Gradlog
public import GradlogTrainer

extension Example: ExpressibleByArgument {}
extension GradientStage: ExpressibleByArgument {}
extension GradientRecorder.Options.Journal: ExpressibleByArgument {}
extension ValueEncoding: ExpressibleByArgument {}

/// What is trained: a model file, a table, or an example.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A JSON file with layers, loss, optimizer and perhaps x, y and initial_weights.",
      valueName: "file.json"))
  var model: String?

  @Option(
    help: ArgumentHelp("A CSV file with a header and a column to predict.", valueName: "file.csv"))
  var data: String?

  @Option(help: "One of the article's programs: linear-regression, binary-classifier or article.")
  var example: Example?

  @Option(help: ArgumentHelp("The column of --data to predict.", valueName: "column"))
  var target: String?

  @Option(
    help: ArgumentHelp("Units of the hidden layers; 64,64 without it.", valueName: "units"),
    transform: ModelOptions.units)
  var layers: [Int]?

  @Option(
    help: ArgumentHelp("Of the hidden layers; relu without it.", valueName: "name"),
    transform: ModelOptions.activation)
  var activation: Activation?

  @Option(
    help: ArgumentHelp(
      "What is minimised; chosen to suit the target without it.", valueName: "name"),
    transform: ModelOptions.loss)
  var loss: Loss?

  @Flag(help: "Scale each feature to mean 0 and standard deviation 1.")
  var standardize = false

  @Option(
    help: ArgumentHelp("sgd, rmsprop, adam or adamw; adam without it.", valueName: "name"),
    transform: ModelOptions.optimizer)
  var optimizer: Optimizer?

  @Option(parsing: .unconditional, help: ArgumentHelp("The size of a step.", valueName: "rate"))
  var learningRate: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Epochs to train; 10 with --data.", valueName: "count"))
  var epochs: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The first epoch, to go on with a run.", valueName: "number"))
  var initialEpoch = 0

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Rows per step; 32 with --data.", valueName: "rows"))
  var batchSize: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Share of the rows to validate with: drawn at random from --data, else the last ones.",
      valueName: "share"))
  var validationSplit: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What initial weights and order follow from.", valueName: "number"))
  var seed: UInt64?

  func validate() throws {
    let sources = [model != nil, data != nil, example != nil].count { $0 }
    guard sources == 1 else {
      throw ValidationError("Say what to train: one of --model, --data and --example.")
    }
    guard data == nil || target != nil else {
      throw ValidationError("--data needs --target: the column to predict.")
    }
    if let epochs, epochs < 1 {
      throw ValidationError("--epochs is \(epochs); train 1 or more.")
    }
    guard initialEpoch >= 0 else {
      throw ValidationError("--initial-epoch is \(initialEpoch); epochs are counted from 0.")
    }
    let tableOptions = [
      ("--target", target != nil), ("--layers", layers != nil), ("--loss", loss != nil),
      ("--activation", activation != nil), ("--standardize", standardize),
    ]
    if data == nil, let option = tableOptions.first(where: \.1)?.0 {
      throw ValidationError(
        "\(option) goes with --data; a model file or an example says it itself.")
    }
  }
}

// MARK: - Values of options

extension ModelOptions {
  private static func units(_ text: String) throws -> [Int] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let units = Int(part), units > 0 else {
        throw ValidationError("write the units of each hidden layer, as in 64,64")
      }
      return units
    }
  }

  private static func activation(_ name: String) throws -> Activation {
    if let activation = Activation(name: name) { return activation }
    throw unknown(name, among: Activation.all.map(\.name), "activations")
  }

  private static func loss(_ name: String) throws -> Loss {
    if let loss = Loss(name: name) { return loss }
    throw unknown(name, among: Loss.allCases.map(\.name), "losses")
  }

  private static func optimizer(_ name: String) throws -> Optimizer {
    if let optimizer = Optimizer.named(name) { return optimizer }
    throw unknown(name, among: Optimizer.names, "optimizers")
  }

  private static func unknown(
    _ name: String, among names: [String], _ kind: String
  ) -> ValidationError {
    ValidationError(NearestName.remedy(for: name, among: names, kind: kind))
  }
}
