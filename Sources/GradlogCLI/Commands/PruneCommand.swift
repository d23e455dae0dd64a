internal import ArgumentParser
internal import Gradlog
internal import GradlogAnalysis

/// Makes a recording smaller: `gradlog prune`.
struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Drop values or runs of a recording, and give their space back.",
    discussion: """
        gradlog prune --values --older-than 30d --except-findings 20
        gradlog prune --values --run baseline --weight 'dense_*' --epoch ..5
        gradlog prune --delete-run baseline --dry-run

      The rows say what is dropped, run by run, before it is. Gradients whose values were dropped \
      keep their statistics and read as though their values had not been captured.

      Nothing is half done: whoever interrupts or kills this has a sound file in which each batch is \
      as it was or as it will be, and the same command goes on from there. To give the space back, \
      what is left is written to a second file beside it, FILE-compact, which then takes its place; \
      for that no other program may have the file open. A run that is being recorded is refused.
      """)

  @Argument(help: "The recording; the same as --db.")
  var file: String?

  @OptionGroup var database: FileOption
  @OptionGroup var what: PruneOptions

  @Flag(help: "Only say what would be dropped.")
  var dryRun = false

  @Flag(help: "Leave the space inside the file, where later recordings use it.")
  var noCompact = false

  @OptionGroup var options: OutputOptions

  func validate() throws {
    if file != nil, database.path != nil {
      throw ValidationError("The recording is given twice; leave out the argument or --db.")
    }
    if what.compact, noCompact {
      throw ValidationError("--compact and --no-compact exclude each other; leave one out.")
    }
  }

  func run() throws {
    let recording = try database.open(file)
    let path = recording.path
    try recording.check(what.filter)
    try refuseIfRecorded(recording)
    // A second descriptor of the file, once closed, would take the locks of the one that prunes.
    try recording.close()
    let selection = what.selection
    var isEmpty = what.compact
    if !what.compact {
      let plan = try plan(path, selection)
      isEmpty = plan.shares.isEmpty
      try show(plan, of: path)
    }
    guard !dryRun else { return }
    let interruption = StopOnSignal()
    let line = StatusLine()
    defer { line.clear() }
    let continues = { (progress: PruningProgress) in
      line.show { Self.text(progress) }
      return interruption.signal == nil
    }
    if !isEmpty { try drop(path, selection, continues) }
    try stopIfInterrupted(interruption, line, "it can be run again to go on from there")
    guard !noCompact else { return }
    let sizes = try Compaction(path: path).run(always: what.compact || !isEmpty, continues)
    try stopIfInterrupted(interruption, line, "its free space was not given back")
    line.clear()
    if let sizes {
      Talk.say("\(path): \(ByteCount(sizes.before)) before, \(ByteCount(sizes.after)) now")
    }
  }

  private func plan(_ path: String, _ selection: PruningSelection) throws -> PruningPlan {
    if let run = what.deleteRun { return try PruningPlan(path: path, run: run, rank: what.rank) }
    return try PruningPlan(path: path, values: selection)
  }

  private func drop(
    _ path: String, _ selection: PruningSelection, _ continues: (PruningProgress) -> Bool
  ) throws {
    let pruning = try Pruning(path: path)
    do {
      if let run = what.deleteRun {
        _ = try pruning.deleteRun(run, rank: what.rank, continues)
      } else {
        _ = try pruning.dropValues(selection, continues)
      }
    } catch {
      try? pruning.close()
      throw error
    }
    try pruning.close()
  }

  /// By convention, 128 and the number of the signal.
  private func stopIfInterrupted(
    _ interruption: StopOnSignal, _ line: StatusLine, _ consequence: String
  ) throws {
    guard let signal = interruption.signal else { return }
    line.clear()
    Talk.say("gradlog: interrupted; the recording is sound, \(consequence)")
    throw ExitCode(128 + signal)
  }
}

extension PruneCommand {
  /// The runs that lose something must not be recorded; compaction needs the file for itself.
  private func refuseIfRecorded(_ recording: Recording) throws {
    let name = what.filter.run
    guard !dryRun,
      let run = try recording.runs().first(where: {
        $0.state == .recording && (name ?? $0.name) == $0.name
          && (what.rank ?? $0.rank) == $0.rank
      })
    else { return }
    throw GradlogError(
      .overlap, "run '\(run.name)' in '\(recording.path)' is being recorded",
      remedy: name == nil
        ? "wait until that has ended, or choose another run with --run"
        : "wait until that has ended")
  }

  private func show(_ plan: PruningPlan, of path: String) throws {
    let isRun = what.deleteRun != nil
    try options.write(otherwise: "There is nothing to drop in '\(path)'.") { writer in
      try writer.begin(columns: ["run", "rank", "batches", "gradients_with_values", "value_bytes"])
      for share in plan.shares {
        try writer.write([
          .text(share.run), .integer(Int64(share.rank)), .integer(Int64(share.batches)),
          .integer(Int64(share.gradients)), .integer(Int64(share.bytes)),
        ])
      }
      try writer.end()
      return plan.shares.count
    }
    guard !plan.shares.isEmpty else { return }
    let verb = dryRun ? "would drop" : "dropping"
    Talk.say(
      isRun
        ? "\(verb) \(plan.batches) batches with \(ByteCount(plan.bytes)) of values from '\(path)'"
        : "\(verb) the values of \(plan.gradients) gradients, \(ByteCount(plan.bytes)), from '\(path)'"
    )
  }

  private static func text(_ progress: PruningProgress) -> String {
    switch progress {
    case .dropping(let bytes): "dropping: \(ByteCount(bytes)) so far"
    case .compacting(let bytes, let total):
      "compacting: \(ByteCount(bytes)) of \(ByteCount(total)) written"
    }
  }
}
