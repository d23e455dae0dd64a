internal import GRDB
internal import Gradlog

/// What of a recording is verified.
public struct VerificationOptions: Sendable, Equatable {
  /// Only the rows of this run; the file as a whole is checked all the same.
  public var run: String?

  /// The share, 0 to 1, of the gradients whose statistics are recomputed from their values; nil for as
  /// many as a few seconds allow.
  public var share: Double?

  /// Every run, and as many values as a few seconds allow.
  public init() {}
}

/// What a verification is busy with.
public enum VerificationStage: Sendable, Equatable {
  /// The pages of the file, which SQLite checks in one go.
  case pages
  /// What rows refer to.
  case references
  /// Gradients; this share of them is done, 0 to 1.
  case gradients(Double)
}

/// What was verified.
public struct VerificationSummary: Sendable, Equatable {
  /// Runs that were looked at.
  public internal(set) var runs = 0
  /// Batches of these.
  public internal(set) var batches = 0
  /// Gradients of these.
  public internal(set) var gradients = 0
  /// Gradients whose values are in the file.
  public internal(set) var gradientsWithValues = 0
  /// Gradients whose statistics were recomputed from the values.
  public internal(set) var recomputed = 0
  /// What is wrong.
  public internal(set) var faults = 0
}

extension Recording {
  /// Checks that the file holds what docs/FileFormat.md promises.
  ///
  /// Memory does not depend on the size of the file: one tensor is held at a time, and a sample of each weight. Whatever the file
  /// holds instead of what it should is a fault, not a failure.
  ///
  /// - Parameters:
  ///   - options: which part.
  ///   - progress: told what is being done, many times a second.
  ///   - report: receives each fault as it is found.
  /// - Returns: what was looked at, and how many faults there are.
  /// - Throws: ``GradlogError`` when the file cannot be read or there is no such run; what `report`
  ///   throws.
  public func verify(
    _ options: VerificationOptions = VerificationOptions(),
    progress: @escaping (VerificationStage) -> Void = { _ in },
    report: @escaping (Fault) throws -> Void
  ) throws -> VerificationSummary {
    let log = FaultLog(report)
    var summary = VerificationSummary()
    try read { db in
      try Verification(db: db, path: path, size: sizeInBytes, options: options, log: log)
        .run(into: &summary, progress)
    }
    summary.faults = log.count
    return summary
  }
}

/// The checks in order: each relies on what the ones before it found sound.
private struct Verification {
  let db: Database
  let path: String
  let size: Int
  let options: VerificationOptions
  let log: FaultLog

  func run(
    into summary: inout VerificationSummary, _ progress: (VerificationStage) -> Void
  ) throws {
    progress(.pages)
    try surviving { try IntegrityCheck(db: db, log: log).run() }
    guard let format = try surviving({ try SchemaCheck(db: db, log: log).run() }) ?? nil else {
      return
    }
    progress(.references)
    try surviving { try ReferenceCheck(db: db, log: log).run() }
    guard let index = try surviving({ try RecordingIndex(db: db, format: format) }) else { return }
    let runs = try chosenRuns(index)
    summary.runs = runs.count
    try RunCheck(runs: runs, log: log).run()
    try WeightCheck(weights: index.weights.values, runs: runs, log: log).run()
    if format.tellsFreezings {
      try surviving { try FreezingCheck(db: db, index: index, runs: runs, log: log).run() }
    }
    try surviving {
      let walk = try GradientWalk(
        db: db, format: format, index: index, runs: runs, sample: sample(), log: log)
      defer { walk.addCounts(to: &summary) }
      try walk.run { progress(.gradients($0)) }
    }
    try surviving {
      try FindingCheck(db: db, index: index, runs: runs, format: format, log: log).run()
    }
    guard log.count == 0, format.number > 1 else { return }
    try surviving {
      try SeriesCheck(db: db, format: format, index: index, runs: runs, log: log).run()
    }
  }

  /// Runs a check; damage that keeps SQLite from reading on is a fault and ends only this check.
  @discardableResult
  private func surviving<Result>(_ check: () throws -> Result) throws -> Result? {
    do {
      return try check()
    } catch let error as DatabaseError
      where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
    {
      try log.add(.file, "SQLite cannot read on: \(error.message ?? "\(error.resultCode)")")
      return nil
    }
  }

  private func chosenRuns(_ index: RecordingIndex) throws -> [Int64: RecordingIndex.Run] {
    guard let name = options.run else { return index.runs }
    let runs = index.runs.filter { $0.value.name == name }
    guard !runs.isEmpty else {
      let names = index.runs.sorted { $0.key < $1.key }.map(\.value.name)
      throw GradlogError(
        .notFound, "there is no run '\(name)' in '\(path)'",
        remedy: NearestName.remedy(for: name, among: names, noun: "run"))
    }
    return runs
  }

  private func sample() throws -> ValuesSample {
    if let share = options.share { return ValuesSample(share: share) }
    let keys = try PreparedStatement("SELECT max(gradient_id) FROM gradient_values", on: db)
    let gradients = try keys.step() ? keys.value(at: 0).count : 0
    return ValuesSample(fileSize: size, gradients: gradients)
  }
}
