internal import ArgumentParser
internal import Foundation
internal import Gradlog
internal import GradlogAnalysis

/// What `gradlog prune` drops.
struct PruneOptions: ParsableArguments {
  @Flag(help: "Drop values and keep their statistics: of what the options below choose.")
  var values = false

  @Option(
    help: ArgumentHelp(
      "Delete this run with all it holds, in all its ranks unless --rank names one.",
      valueName: "name"))
  var deleteRun: String?

  @Flag(help: "Drop nothing: only give back the space that is free inside the file.")
  var compact = false

  @Flag(help: "Of every run, weight and batch.")
  var all = false

  @Option(help: ArgumentHelp("Only of this run.", valueName: "name"))
  var run: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Only of this rank of the run.", valueName: "index"))
  var rank: Int?

  @Option(
    help: ArgumentHelp("Only of weights that match, as in 'dense_*/kernel'.", valueName: "glob"))
  var weight: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Only of these epochs: 3, 3..7, 3.. or ..7.", valueName: "a..b"),
    transform: EpochRange.init)
  var epoch: EpochRange?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Only of batches recorded longer ago than this: 90m, 12h, 30d or 2w.", valueName: "age"),
    transform: Age.init)
  var olderThan: Age?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Keep so many batches before and after the one where a finding began, and the one where it was last seen.",
      valueName: "count"))
  var exceptFindings: Int?

  func validate() throws {
    let kinds = [values, deleteRun != nil, compact].count { $0 }
    guard kinds == 1 else {
      throw ValidationError(
        kinds == 0
          ? "Say what to drop: --values, --delete-run NAME, or --compact for nothing."
          : "Give one of --values, --delete-run and --compact.")
    }
    let hasPart = run != nil || weight != nil || epoch != nil || olderThan != nil
    if !values, hasPart || all || exceptFindings != nil {
      throw ValidationError(
        "--run, --weight, --epoch, --older-than, --except-findings and --all choose values; "
          + "they need --values.")
    }
    if rank != nil, run == nil, deleteRun == nil {
      throw ValidationError("--rank belongs to a run; name it with --run or --delete-run.")
    }
    if values, !hasPart, !all {
      throw ValidationError(
        "Say of what to drop the values: --run, --weight, --epoch or --older-than, or --all.")
    }
    if hasPart, all {
      throw ValidationError("--all is everything; leave it or what narrows it down out.")
    }
    if let exceptFindings, exceptFindings < 0 {
      throw ValidationError("--except-findings is \(exceptFindings); give 0 or more batches.")
    }
  }

  /// The values that are meant.
  var selection: PruningSelection {
    var selection = PruningSelection()
    selection.run = run
    selection.rank = rank
    selection.weight = weight
    selection.firstEpoch = epoch?.first
    selection.lastEpoch = epoch?.last
    selection.before = olderThan.map { Date().timeIntervalSince1970 - $0.seconds }
    selection.findingMargin = exceptFindings
    return selection
  }

  /// The names that must exist.
  var filter: RowFilter {
    var filter = RowFilter()
    filter.run = deleteRun ?? run
    filter.weight = weight
    return filter
  }
}
