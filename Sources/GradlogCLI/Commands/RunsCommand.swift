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
    let columns = options.isForReading ? Column.needed(for: runs) : Column.all
    try options.write(otherwise: "There is no run in '\(recording.path)' yet.") { writer in
      try writer.begin(columns: columns.map(\.name))
      for run in runs { try writer.write(columns.map { $0.value(run) }) }
      try writer.end()
      return runs.count
    }
    Talk.say("\(recording.path): \(ByteCount(recording.sizeInBytes))")
  }
}

extension RunsCommand {
  /// What is told of a run.
  private struct Column: Sendable {
    let name: String
    let value: @Sendable (RunSummary) -> CellValue
    /// Whether a person can do without it when it says the same of every run.
    var isOptional = false

    static let all = [
      Column(name: "run") { .text($0.name) },
      Column(name: "rank", value: { count($0.rank) }, isOptional: true),
      Column(name: "state") { .text($0.state.rawValue) },
      Column(name: "started_at", value: { .text($0.startedAt) }),
      Column(name: "stage", value: { .text($0.stage) }),
      Column(name: "weights") { count($0.weights) },
      Column(name: "epochs") { count($0.epochs) },
      Column(name: "batches") { count($0.batches) },
      Column(name: "value_bytes") { count($0.valueBytes) },
      Column(name: "dropped_batches", value: { count($0.droppedBatches) }, isOptional: true),
      Column(name: "dropped_values", value: { count($0.droppedValues) }, isOptional: true),
      Column(
        name: "worst_finding", value: { text($0.worstFinding?.description) }, isOptional: true),
      Column(name: "failure", value: { text($0.failure) }, isOptional: true),
      Column(name: "values_stopped", value: { text($0.valuesStopped) }, isOptional: true),
      Column(name: "framework", value: { text($0.framework) }, isOptional: true),
    ]

    /// The columns that say something: a table of what never happened is hard to read.
    static func needed(for runs: [RunSummary]) -> [Column] {
      all.filter { column in
        !column.isOptional
          || column.name != "framework"
            && runs.contains { run in
              column.value(run) != .null && column.value(run) != .integer(0)
            }
      }
    }

    private static func count(_ count: Int) -> CellValue { .integer(Int64(count)) }

    private static func text(_ text: String?) -> CellValue { text.map { .text($0) } ?? .null }
  }
}
