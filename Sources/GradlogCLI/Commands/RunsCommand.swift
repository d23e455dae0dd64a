internal import ArgumentParser
internal import Foundation
internal import GradlogAnalysis

/// Lists the runs: `gradlog runs`.
struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "List the runs of a recording.",
    discussion: """
      A run is 'recording' while its recorder is at work, 'finished' once that was closed, and \
      'interrupted' when the recorder is gone without having closed it. A recorder on another \
      machine counts as at work for five minutes after its last batch.
      """)

  @Argument(help: "The recording; the same as --db.")
  var file: String?

  @OptionGroup var database: FileOption
  @OptionGroup var options: OutputOptions

  func validate() throws {
    if file != nil, database.path != nil {
      throw ValidationError("The recording is given twice; leave out the argument or --db.")
    }
  }

  func run() throws {
    let recording = try database.open(file)
    let runs = try recording.runs()
    try options.write(otherwise: "There is no run in '\(recording.path)' yet.") { writer in
      try writer.begin(columns: Self.columns)
      for run in runs { try writer.write(Self.row(run)) }
      try writer.end()
      return runs.count
    }
    Talk.say("\(recording.path): \(ByteCount(recording.sizeInBytes))")
  }

  private static let columns = [
    "run", "rank", "state", "stage", "weights", "epochs", "batches", "value_bytes",
    "dropped_batches", "dropped_values", "worst_finding", "failure", "framework",
  ]

  private static func row(_ run: RunSummary) -> [CellValue] {
    [
      .text(run.name), count(run.rank), .text(run.state.rawValue), .text(run.stage),
      count(run.weights), count(run.epochs), count(run.batches), count(run.valueBytes),
      count(run.droppedBatches), count(run.droppedValues),
      text(run.worstFinding?.description), text(run.failure), text(run.framework),
    ]
  }

  private static func count(_ count: Int) -> CellValue { .integer(Int64(count)) }

  private static func text(_ text: String?) -> CellValue { text.map { .text($0) } ?? .null }
}
