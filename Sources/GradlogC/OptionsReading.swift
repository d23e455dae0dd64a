internal import CGradlog
internal import Gradlog

extension GradientRecorder.Options {
  /// The options that a C caller passed; NULL means the defaults.
  ///
  /// - Throws: ``GradlogError`` with code `invalidArgument`, naming the member and what it may be.
  init(_ pointer: UnsafePointer<gradlog_options>?) throws(GradlogError) {
    self.init()
    guard let pointer else { return }
    let given = try gradlog_options(from: pointer)
    rank = Int(given.rank)
    worldSize = given.world_size == 0 ? 1 : Int(given.world_size)
    if given.framework != nil { framework = try text(given.framework, "framework") }
    if given.configuration != nil { configuration = try text(given.configuration, "configuration") }
    stage = try word(given.stage, "stage", GradientStage.allCases) ?? stage
    journal = try word(given.journal, "journal", Journal.allCases) ?? journal
    overlap = try word(given.overlap, "overlap", Self.overlaps) ?? overlap
    overflow = try word(given.overflow, "overflow", Self.overflows) ?? overflow
    logsFindings = given.log_findings != 0
    stopOn = try word(given.stop_on, "stop_on", GradientRecorder.StopCondition.named)
    if given.memory_limit != 0 { memoryLimit = Int(given.memory_limit) }
    if given.commit_interval != 0 { commitInterval = max(0, given.commit_interval) }
    capture = try CapturePlan(given)
  }

  private static let overlaps: [String: Overlap] = ["refuse": .refuse, "replace": .replace]
  private static let overflows: [String: Overflow] = ["wait": .wait, "drop": .drop]
}

extension CapturePlan {
  fileprivate init(_ given: gradlog_options) throws(GradlogError) {
    let first = Int(given.capture_first)
    let second = Int(given.capture_second)
    let schedule: Schedule
    switch given.capture {
    case GRADLOG_CAPTURE_EVERY_BATCH: schedule = .everyBatch
    case GRADLOG_CAPTURE_NONE: schedule = .none
    case GRADLOG_CAPTURE_EVERY: schedule = .every(first)
    case GRADLOG_CAPTURE_AROUND: schedule = .aroundFindings(before: first, after: second)
    case GRADLOG_CAPTURE_EPOCHS where first <= second: schedule = .epochs(first...second)
    case GRADLOG_CAPTURE_EPOCHS:
      throw GradlogError(
        .invalidArgument, "there is no epoch from \(first) to \(second)",
        remedy: "pass the first epoch and the last one")
    default:
      throw GradlogError(
        .invalidArgument, "capture \(given.capture) is not one of GRADLOG_CAPTURE_…",
        remedy: "pass one of these")
    }
    let encoding = try word(given.encoding, "encoding", ValueEncoding.allCases) ?? .dense
    self = try CapturePlan(
      schedule, include: patterns(given.include, given.include_count),
      exclude: patterns(given.exclude, given.exclude_count), encoding: encoding,
      fileBudget: given.file_budget == 0 ? nil : Int(given.file_budget))
  }
}

private func patterns(
  _ strings: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int
) throws(GradlogError) -> [String] {
  guard count > 0 else { return [] }
  let strings = try given(strings, "the list of patterns")
  var patterns: [String] = []
  for index in 0..<count { patterns.append(try text(strings[index], "a pattern")) }
  return patterns
}

private func word<Value: RawRepresentable<String>>(
  _ string: UnsafePointer<CChar>?, _ member: String, _ values: [Value]
) throws(GradlogError) -> Value? {
  var words: [String: Value] = [:]
  for value in values { words[value.rawValue] = value }
  return try word(string, member, words)
}

/// The value that a word stands for; nil when there is no word.
private func word<Value>(
  _ string: UnsafePointer<CChar>?, _ member: String, _ values: [String: Value]
) throws(GradlogError) -> Value? {
  guard string != nil else { return nil }
  let word = try text(string, member)
  guard let value = values[word] else {
    throw GradlogError(
      .invalidArgument, "\(member) \"\(word)\" is not known",
      remedy: "pass one of \(values.keys.sorted().joined(separator: ", "))")
  }
  return value
}
