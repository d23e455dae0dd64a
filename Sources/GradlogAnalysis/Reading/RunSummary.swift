internal import Gradlog

/// One run of a recording, in a line.
public struct RunSummary: Sendable, Equatable {
  /// Name of the run.
  public let name: String
  /// Index of the process in a distributed run.
  public let rank: Int
  /// `raw` or `applied`: which gradient the run holds.
  public let stage: String
  /// Who trained, when known.
  public let framework: String?
  /// Whether a recorder is still at work.
  public let state: RunState
  /// Number of weights.
  public let weights: Int
  /// Number of epochs of which there is a batch.
  public let epochs: Int
  /// Number of batches.
  public let batches: Int
  /// Bytes of the gradients' values that were captured.
  public let valueBytes: Int
  /// Batches of which nothing is in the file.
  public let droppedBatches: Int
  /// Gradients whose values could not be captured.
  public let droppedValues: Int
  /// What stopped or hurt the recorder first.
  public let failure: String?
  /// When the run began, UTC: `2026-11-23 07:30:00`.
  public let startedAt: String
  /// Why values were left out from some batch on; nil while they were not.
  public let valuesStopped: String?
  /// The worst thing that a detector said.
  public let worstFinding: Finding?

  /// What a detector said of one weight, or of all.
  public struct Finding: Sendable, Equatable, CustomStringConvertible {
    /// `critical`, `warning` or `info`.
    public let severity: String
    /// Name of the rule.
    public let rule: String
    /// Name of the weight; nil for what is said of the network as a whole.
    public let weight: String?
    /// Which of the run's optimizers has the batches that show it; nil when there is one, or this one has no name.
    public let optimizer: String?
    /// Epoch of the first batch that broke the rule.
    public let epoch: Int
    /// The first batch that broke the rule.
    public let batch: Int

    /// One line: `critical: vanishing of dense_0/kernel since epoch 0, batch 3`.
    public var description: String {
      let whose = optimizer.map { " with optimizer '\($0)'" } ?? ""
      return
        "\(severity): \(rule) of \(weight ?? "the network")\(whose) since epoch \(epoch), batch \(batch)"
    }
  }
}

extension Recording {
  /// The runs of the file, in the order in which they began.
  public func runs() throws -> [RunSummary] {
    let findings = try worstFindings()
    return try allRows(of: Self.runsSQL).map { row in
      let trace = RecorderTrace(
        finishedAt: row[5].real, host: row[6].text, process: row[7].integer.map(Int.init),
        processStarted: row[8].integer.map(Int.init), lastSign: row[9].real ?? 0)
      return RunSummary(
        name: row[1].text ?? "", rank: row[2].count, stage: row[3].text ?? "",
        framework: row[4].text, state: trace.state(), weights: row[10].count,
        epochs: row[11].count, batches: row[12].count, valueBytes: row[13].count,
        droppedBatches: row[14].count, droppedValues: row[15].count, failure: row[16].text,
        startedAt: row[17].text ?? "", valuesStopped: row[18].text,
        worstFinding: row[0].integer.flatMap { findings[$0] })
    }
  }

  private static let runsSQL = """
    SELECT runs.run_id, name, rank, stage, framework, finished_at, recorder_host, recorder_process,
      recorder_process_started,
      coalesce((SELECT recorded_at FROM batches WHERE batches.run_id = runs.run_id
        ORDER BY batch_id DESC LIMIT 1), started_at),
      (SELECT count(*) FROM weights WHERE weights.run_id = runs.run_id),
      (SELECT count(DISTINCT epoch) FROM batches WHERE batches.run_id = runs.run_id),
      (SELECT count(*) FROM batches WHERE batches.run_id = runs.run_id),
      (SELECT sum(length(values_blob)) FROM batches CROSS JOIN gradient_values
        ON gradient_id BETWEEN first_gradient_id AND first_gradient_id + gradient_count - 1
        WHERE batches.run_id = runs.run_id),
      dropped_batches, dropped_values, failure, datetime(started_at, 'unixepoch'),
      values_stopped_reason
    FROM runs ORDER BY runs.run_id
    """

  private func worstFindings() throws -> [Int64: RunSummary.Finding] {
    // Files of older formats tell only the optimizer of the first batch.
    let optimizer = try read { db in try FileFormat(of: db).findingOptimizer }
    let rows = try allRows(
      of: """
        SELECT findings.run_id, severity, rule, weights.name, batches.epoch, batches.batch,
          (SELECT nullif(\(optimizer), '') FROM batches AS others
            WHERE others.run_id = findings.run_id AND others.optimizer <> \(optimizer) LIMIT 1)
        FROM findings LEFT JOIN weights USING (weight_id)
        JOIN batches ON batches.batch_id = findings.first_batch_id
        WHERE severity <> 'info'
        ORDER BY severity = 'critical', findings.first_batch_id DESC, weights.position DESC
        """)
    var worst: [Int64: RunSummary.Finding] = [:]
    for row in rows {
      guard let run = row[0].integer else { continue }
      worst[run] = RunSummary.Finding(
        severity: row[1].text ?? "", rule: row[2].text ?? "", weight: row[3].text,
        optimizer: row[6].text, epoch: row[4].count, batch: row[5].count)
    }
    return worst
  }
}

extension CellValue {
  /// The integer, 0 for anything else: for counts, which a damaged file may lack.
  var count: Int { Int(integer ?? 0) }
}
