internal import GRDB
internal import Gradlog

/// The rows of `runs`.
struct RunCheck {
  let runs: [Int64: RecordingIndex.Run]
  let log: FaultLog

  func run() throws {
    for (_, run) in runs.sorted(by: { $0.key < $1.key }) {
      let isRanked = run.rank.flatMap { rank in
        run.worldSize.map { rank >= 0 && rank < $0 }
      }
      if isRanked != true {
        let rank = run.rank.map(String.init) ?? "?"
        let size = run.worldSize.map(String.init) ?? "?"
        try log.add(.run, at: run.place, "rank \(rank) is not one of world_size \(size)")
      }
      // SQLite does not check the constraint of this column in a file that is open for reading only.
      if run.stage.flatMap(GradientStage.init(rawValue:)) == nil {
        try log.add(.run, at: run.place, "the stage is '\(run.stage ?? "?")'")
      }
      if !run.hasConfiguration {
        try log.add(.run, at: run.place, "the configuration is not a JSON object")
      }
    }
  }
}

/// The rows of `weights`.
struct WeightCheck {
  let weights: Dictionary<Int64, RecordingIndex.Weight>.Values
  let runs: [Int64: RecordingIndex.Run]
  let log: FaultLog

  func run() throws {
    for weight in weights.sorted(by: { ($0.runID ?? 0, $0.name) < ($1.runID ?? 0, $1.name) }) {
      guard let run = weight.runID.flatMap({ runs[$0] }) else { continue }
      var place = run.place
      place.weight = weight.name
      if let problem = problem(weight) { try log.add(.weight, at: place, problem) }
    }
  }

  private func problem(_ weight: RecordingIndex.Weight) -> String? {
    guard let position = weight.position.integer, position >= 0 else {
      return "the position is \(DisplayText.cell(weight.position))"
    }
    guard [.null, .integer(0), .integer(1)].contains(weight.frozen) else {
      return "frozen is \(DisplayText.cell(weight.frozen))"
    }
    guard
      weight.initialNorm == .null || weight.initialNorm.real.map({ $0 >= 0 && $0.isFinite }) == true
    else { return "initial_norm is \(DisplayText.cell(weight.initialNorm))" }
    if weight.tensor != nil { return nil }
    // Only absent gradients were seen of it.
    if [weight.dtype, weight.shape, weight.elementCount] == [.null, .null, .null] { return nil }
    guard weight.dtype.text.flatMap(DType.init(rawValue:)) != nil else {
      return "the dtype is \(DisplayText.cell(weight.dtype))"
    }
    guard StoredShape.dimensions(weight.shape.text) != nil else {
      return "the shape is \(DisplayText.cell(weight.shape))"
    }
    return "element_count is \(DisplayText.cell(weight.elementCount)), "
      + "which the shape \(DisplayText.cell(weight.shape)) does not have"
  }
}

/// The rows of `freezings`.
struct FreezingCheck {
  let db: Database
  let index: RecordingIndex
  let runs: [Int64: RecordingIndex.Run]
  let log: FaultLog

  func run() throws {
    let freezings = try PreparedStatement(
      """
      SELECT weight_id, batches.run_id, epoch, batch, freezings.frozen,
        lag(freezings.frozen) OVER weight, lead(freezings.frozen) OVER weight
      FROM freezings JOIN batches ON batch_id = first_batch_id
      WINDOW weight AS (PARTITION BY weight_id ORDER BY first_batch_id)
      """, on: db)
    var row = [CellValue](repeating: .null, count: freezings.columns.count)
    while try freezings.step() {
      freezings.read(into: &row)
      guard let weight = row[0].integer.flatMap({ index.weights[$0] }), let runID = weight.runID,
        let run = runs[runID], let problem = Self.problem(row, weight)
      else { continue }
      var place = run.place
      (place.epoch, place.batch) = (row[2].integer.map(Int.init), row[3].integer.map(Int.init))
      place.weight = weight.name
      try log.add(.weight, at: place, problem)
    }
  }

  private static func problem(_ row: [CellValue], _ weight: RecordingIndex.Weight) -> String? {
    if row[1].integer != weight.runID { return "freezings refers to a batch of another run" }
    guard row[4] == .integer(0) || row[4] == .integer(1) else {
      return "frozen is \(DisplayText.cell(row[4])) from this batch on"
    }
    if row[4] == row[5] {
      return "frozen is \(DisplayText.cell(row[4])) from this batch on, as before"
    }
    guard row[6] == .null, row[4] != weight.frozen else { return nil }
    return "frozen is \(DisplayText.cell(row[4])) from this batch on, and at last "
      + DisplayText.cell(weight.frozen)
  }
}

/// The rows of `findings`.
struct FindingCheck {
  let db: Database
  let index: RecordingIndex
  let runs: [Int64: RecordingIndex.Run]
  let format: FileFormat
  let log: FaultLog

  func run() throws {
    let severities = "'warning', 'critical'" + (format.number < 3 ? "" : ", 'info'")
    let findings = try PreparedStatement(
      """
      SELECT findings.run_id, findings.weight_id, substr(rule, 1, 40), first.run_id, last.run_id,
        first.epoch, first.batch, first_batch_id <= last_batch_id,
        typeof(batch_count) = 'integer' AND batch_count >= 1,
        severity IN (\(severities))
      FROM findings JOIN batches AS first ON first.batch_id = first_batch_id
        JOIN batches AS last ON last.batch_id = last_batch_id
      ORDER BY finding_id
      """, on: db)
    var row = [CellValue](repeating: .null, count: findings.columns.count)
    while try findings.step() {
      findings.read(into: &row)
      guard let runID = row[0].integer, let run = runs[runID] else { continue }
      let weight = row[1].integer.flatMap { index.weights[$0] }
      var place = run.place
      (place.epoch, place.batch) = (row[5].integer.map(Int.init), row[6].integer.map(Int.init))
      place.weight = weight?.name
      let rule = "the finding '\(row[2].text ?? "?")'"
      if row[3].integer != runID || row[4].integer != runID {
        try log.add(.finding, at: place, "\(rule) refers to a batch of another run")
      } else if let weight, weight.runID != runID {
        try log.add(.finding, at: place, "\(rule) refers to a weight of another run")
      } else if row[7].integer != 1 {
        try log.add(.finding, at: place, "\(rule) ends before it begins")
      } else if row[8].integer != 1 {
        try log.add(.finding, at: place, "\(rule) was broken by no batch")
      } else if row[9].integer != 1 {
        try log.add(.finding, at: place, "\(rule) has no known severity")
      }
    }
  }
}
