internal import Gradlog

/// Which gradient is meant.
///
/// What is nil is the only one there is, or the last.
public struct GradientAddress: Sendable, Equatable {
  /// Name of the run; may be nil when the file holds one run.
  public var run: String?
  /// Index of the process in a distributed run; nil for the lowest there is.
  public var rank: Int?
  /// Name of the weight; may be nil when the run has one weight.
  public var weight: String?
  /// The epoch; nil for the last that was recorded.
  public var epoch: Int?
  /// The batch; nil for the last of the epoch.
  public var batch: Int?

  /// The last gradient of the only weight of the only run.
  public init() {}
}

extension Recording {
  /// Reads one gradient.
  ///
  /// - Throws: ``GradlogError`` that lists what there is when the address fits no gradient or more
  ///   than one run or weight.
  public func gradient(at address: GradientAddress) throws -> Gradient {
    let run = try onlyOne(address.run, of: runNames(), noun: "run", option: "--run")
    let weight = try onlyOne(
      address.weight, of: weightNames(run: run), noun: "weight", option: "--weight")
    var values: [String: CellValue] = ["run": .text(run), "weight": .text(weight)]
    values["rank"] = address.rank.map { .integer(Int64($0)) }
    values["epoch"] = address.epoch.map { .integer(Int64($0)) }
    values["batch"] = address.batch.map { .integer(Int64($0)) }
    guard let key = try gradientKey(values) else { throw try missing(run, weight, address) }
    return try gradient(key: key)
  }

  /// Finds the batch first and then the weight among its gradients: following the view would look at
  /// every gradient of the run.
  private func gradientKey(_ values: [String: CellValue]) throws -> Int64? {
    try allRows(
      of: """
        SELECT gradient_id FROM runs
        JOIN batches ON batches.run_id = runs.run_id
        JOIN gradient_statistics AS statistics ON gradient_id
          BETWEEN first_gradient_id AND first_gradient_id + gradient_count - 1
        WHERE runs.name = :run AND (:rank IS NULL OR rank = :rank)
          AND (:epoch IS NULL OR epoch = :epoch) AND (:batch IS NULL OR batch = :batch)
          AND +weight_id IN (SELECT weight_id FROM weights
            WHERE weights.run_id = runs.run_id AND weights.name = :weight)
        ORDER BY rank, epoch DESC, batch DESC, call DESC, gradient_id DESC LIMIT 1
        """, with: values
    ).first?[0].integer
  }

  /// The run that is meant by a name, or by none when there is only one.
  ///
  /// - Parameters:
  ///   - name: the name, if one was given.
  ///   - option: what to choose a run with, for the message.
  /// - Returns: its name.
  /// - Throws: ``GradlogError`` that lists the runs when there is none of that name, or more than one.
  public func onlyRun(_ name: String?, option: String) throws -> String {
    try onlyOne(name, of: runNames(), noun: "run", option: option)
  }

  private func onlyOne(
    _ name: String?, of names: [String], noun: String, option: String
  ) throws -> String {
    if let name {
      if names.contains(name) { return name }
      throw GradlogError(
        .notFound, "there is no \(noun) '\(name)' in '\(path)'",
        remedy: NearestName.remedy(for: name, among: names, noun: noun))
    }
    if names.count == 1 { return names[0] }
    throw GradlogError(
      names.isEmpty ? .notFound : .invalidArgument,
      names.isEmpty
        ? "'\(path)' holds no \(noun) yet" : "'\(path)' holds \(names.count) \(noun)s",
      remedy: names.isEmpty
        ? "record one first"
        : "choose one with \(option): " + NearestName.list(names))
  }

  private func missing(
    _ run: String, _ weight: String, _ address: GradientAddress
  ) throws -> GradlogError {
    let ranges = try allRows(
      of: """
        SELECT max(epoch), max(batch), max(rank) FROM runs JOIN batches USING (run_id)
        WHERE runs.name = :run AND (:epoch IS NULL OR epoch = :epoch)
        """,
      with: ["run": .text(run), "epoch": address.epoch.map { .integer(Int64($0)) } ?? .null])
    let place = [
      address.rank.map { "rank \($0)" }, address.epoch.map { "epoch \($0)" },
      address.batch.map { "batch \($0)" },
    ].compactMap { $0 }.joined(separator: ", ")
    let problem = "run '\(run)' has no gradient of '\(weight)'"
    guard let epochs = ranges[0][0].integer, let batches = ranges[0][1].integer else {
      let last = try allRows(
        of: "SELECT max(epoch) FROM runs JOIN batches USING (run_id) WHERE runs.name = :run",
        with: ["run": .text(run)])
      return GradlogError(
        .notFound, problem + (place.isEmpty ? "" : " at \(place)"),
        remedy: last[0][0].integer.map { "its last epoch is \($0)" } ?? "no batch was recorded yet")
    }
    return GradlogError(
      .notFound, problem + (place.isEmpty ? "" : " at \(place)"),
      remedy: "there are epochs up to \(epochs) and batches up to \(batches)")
  }
}
