internal import ArgumentParser
internal import Gradlog
internal import GradlogAnalysis

/// Compares two runs: `gradlog diff`.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Say where the gradients of two runs first differ, and how they drift apart.",
    discussion: """
        gradlog diff before.db after.db
        gradlog diff before.db after.db --run mlp --weight 'dense_*' --rtol 1e-5
        gradlog diff --db runs.db mlp mlp-2

      A and B are recordings; with --db they are runs of that one. Ranks, batches and weights are \
      matched by rank, by epoch, batch, optimizer and call, and by name. Batches are matched by step \
      where that matches more of them, which is said.

      Gradients are compared bit by bit, or within --rtol and --atol as numpy's isclose does, except \
      that NaN equals NaN. Where the values are not in both, or are rounded in one, the statistics are \
      compared: bit by bit as well, so that runs of different machines may differ in the last digits of a \
      sum, or by what elements within the tolerance could make of them. What is found that way is \
      certain, what is not found may be there.

      The sentences on stderr say where the first difference is. The rows say how it goes on: in the \
      batch of the first difference, 1, 2, 4, 8 … batches later, and in the last; --all gives every batch. \
      max_abs_difference is max|a−b|, relative_difference ‖a−b‖/‖a‖ and cosine a·b/(‖a‖‖b‖), of the \
      worst weight, where the relative difference is largest; by statistics, the least that the first two \
      can be.

      Exit codes: 0 when no gradient differs and all batches and weights are in both, 2 otherwise, 1 when \
      the runs cannot be compared.
      """)

  @Argument(help: "The first recording or, with --db, run.")
  var a: String

  @Argument(help: "The second one.")
  var b: String

  @Option(
    name: .customLong("db"),
    help: ArgumentHelp("The recording of both; A and B are its runs.", valueName: "file"))
  var path: String?

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp(
      "The run in A, and in B unless --run-b names another. Not needed where there is one.",
      valueName: "name"))
  var chosenRun: String?

  @Option(help: ArgumentHelp("The run in B.", valueName: "name"))
  var runB: String?

  @Option(help: ArgumentHelp("Only weights that match, as in 'dense_*/kernel'.", valueName: "glob"))
  var weight: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Let a be so far from b, as a share of |b|; 0 if only --atol is given.", valueName: "share"))
  var rtol: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Let a be so far from b; 0 if only --rtol is given.", valueName: "distance"))
  var atol: Double?

  @Option(
    help: ArgumentHelp(
      "Match batches by epoch (with batch, optimizer and call) or by step.", valueName: "key"))
  var align: BatchAlignment?

  @Flag(help: "Give a row for every batch.")
  var all = false

  @OptionGroup var options: OutputOptions

  func validate() throws {
    if path != nil, chosenRun != nil || runB != nil {
      throw ValidationError("With --db, A and B are the runs; leave out --run and --run-b.")
    }
    for (name, value) in [("rtol", rtol), ("atol", atol)] {
      if let value, !value.isFinite || value < 0 {
        throw ValidationError("--\(name) is \(value); give a number, 0 or more.")
      }
    }
  }

  func run() throws {
    let first = try Operand(a, in: path, run: chosenRun, option: "--run")
    let second = try Operand(b, in: path, run: runB ?? chosenRun, option: "--run-b")
    let summary = try options.write { writer in
      var table = DriftTable(to: writer, isForReading: options.isForReading)
      let line = StatusLine(
        announcing: first.recording.sizeInBytes + second.recording.sizeInBytes)
      defer { line.clear() }
      let summary = try first.recording.compare(
        first.run, with: second.recording, second.run, options: comparison
      ) { share in
        // The rows of every batch appear meanwhile.
        if !all { line.show { "comparing: \(Int(min(max(share, 0), 1) * 100)) %" } }
      } report: { row in
        try table.add(row)
      }
      line.clear()
      try table.end()
      return summary
    }
    let text = DiffText(summary, first.title(beside: second), second.title(beside: first))
    for line in text.lines { Talk.say(line) }
    if !summary.isIdentical { throw ExitCode(2) }
  }

  private var comparison: ComparisonOptions {
    get throws {
      var comparison = ComparisonOptions()
      comparison.weight = weight
      comparison.alignment = align
      comparison.showsAll = all
      if rtol != nil || atol != nil {
        comparison.tolerance = try Tolerance(relative: rtol ?? 0, absolute: atol ?? 0)
      }
      return comparison
    }
  }
}

extension DiffCommand {
  /// One of the two runs.
  private struct Operand {
    let recording: Recording
    let run: String

    /// Opens what `name` stands for: a run of the file at `path` or, without one, a file, of which `option`
    /// has chosen `run`.
    ///
    /// - Throws: ``GradlogError`` when there is no such file or run.
    init(_ name: String, in path: String?, run: String?, option: String) throws {
      recording = try path.map { try Recording(path: $0) } ?? Self.open(file: name)
      self.run = try recording.onlyRun(path == nil ? run : name, option: option)
    }

    private static func open(file path: String) throws(GradlogError) -> Recording {
      do throws(GradlogError) {
        return try Recording(path: path)
      } catch {
        guard error.code == .notFound else { throw error }
        throw GradlogError(
          .notFound, error.problem,
          remedy: "check the path, or give the file of both runs: gradlog diff --db FILE A B")
      }
    }

    /// What to call it, so that it is not taken for the other one.
    func title(beside other: Operand) -> String {
      recording.path == other.recording.path ? "run '\(run)'" : "'\(recording.path)'"
    }
  }
}
