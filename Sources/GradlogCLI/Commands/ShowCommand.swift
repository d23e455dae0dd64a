internal import ArgumentParser
internal import Gradlog
internal import GradlogAnalysis

/// Shows one gradient: `gradlog show`.
struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show one gradient: its statistics, a histogram and its values.",
    discussion: """
      Without --run and --weight it is the only one there is; without --epoch and --batch the last \
      that was recorded. --format npy, csv and json write the values; numpy has no bfloat16, which \
      becomes float32.
      """)

  @OptionGroup var database: FileOption

  @Option(name: .customLong("run"), help: ArgumentHelp("The run.", valueName: "name"))
  var runName: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The process of a distributed run.", valueName: "index"))
  var rank: Int?

  @Option(help: ArgumentHelp("The weight.", valueName: "name"))
  var weight: String?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("The epoch, counted from 0.", valueName: "index"))
  var epoch: Int?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("The batch, counted from 0.", valueName: "index"))
  var batch: Int?

  @Flag(help: "Print every value of a large tensor.")
  var all = false

  @Option(help: ArgumentHelp("The form: text, npy, csv or json.", valueName: "format"))
  var format: GradientFormat = .text

  @Option(
    help: ArgumentHelp(
      "Write to this file, which appears when it is complete.", valueName: "file"))
  var output: String?

  func validate() throws {
    for (name, index) in [("rank", rank), ("epoch", epoch), ("batch", batch)] {
      if let index, index < 0 {
        throw ValidationError("--\(name) is \(index); it is counted from 0.")
      }
    }
    if format == .npy, output == nil, Output.isTerminal {
      throw ValidationError("npy is not for terminals; add --output FILE.")
    }
  }

  func run() throws {
    let recording = try database.open()
    var address = GradientAddress()
    address.run = runName
    address.rank = rank
    address.weight = weight
    address.epoch = epoch
    address.batch = batch
    let gradient = try recording.gradient(at: address)
    try Output.write(to: output) { output in
      try gradient.write(as: format, showsAll: all, to: output)
    }
  }
}
