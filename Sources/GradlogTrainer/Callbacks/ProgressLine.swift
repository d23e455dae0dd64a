/// Reports how training goes: epoch, batch, loss, accuracy and batches per second.
///
/// On a terminal one line is rewritten ten times a second at most and kept at the end of each epoch; in a
/// log each epoch is one line:
///
///     epoch 1/5, batch 32/32, loss 0.6931, accuracy 51.2 %, 4100 batches/s
public final class ProgressLine: Callback {
  private let output: TextSink
  private let now: () -> Duration
  private let interval = Duration.milliseconds(100)

  private var epochs = 0..<0
  private var batches = 0
  private var epochStart = Duration.zero
  private var lastWrite = Duration.zero
  private var batchesDone = 0
  private var width = 0

  /// Reports to the standard error, by default.
  ///
  /// - Parameters:
  ///   - output: where to.
  ///   - now: a clock that only goes forward, from any origin.
  public init(output: TextSink = .standardError, now: (() -> Duration)? = nil) {
    self.output = output
    let origin = ContinuousClock.now
    self.now = now ?? { origin.duration(to: .now) }
  }

  /// Learns how long the way is.
  public func onTrainBegin(_ event: TrainBegin) {
    epochs = event.epochs
    batches = event.batchesPerEpoch
  }

  /// Starts the clock.
  public func onEpochBegin(_ event: EpochBegin) {
    epochStart = now()
    lastWrite = epochStart
    batchesDone = 0
  }

  /// Rewrites the line, on a terminal.
  public func onBatchEnd(_ event: BatchEnd) {
    batchesDone = event.batch + 1
    guard output.isTerminal else { return }
    let time = now()
    guard time - lastWrite >= interval else { return }
    lastWrite = time
    rewrite(line(epoch: event.epoch, event.metrics, validation: nil, elapsed: time - epochStart))
  }

  /// Writes the line that stays.
  public func onEpochEnd(_ event: EpochEnd) {
    let text = line(
      epoch: event.epoch, event.training, validation: event.validation,
      elapsed: now() - epochStart)
    if output.isTerminal {
      rewrite(text)
      width = 0
      output("\n")
    } else {
      output(text + "\n")
    }
  }

  /// Goes back to the start of the line and covers what the last one left.
  private func rewrite(_ whole: String) {
    // A line that the terminal breaks could not be taken back.
    let text = String(whole.prefix(output.columns - 1))
    let rest = String(repeating: " ", count: max(0, width - text.count))
    output("\r\(text)\(rest)")
    width = text.count
  }

  private func line(
    epoch: Int, _ metrics: Metrics, validation: Metrics?, elapsed: Duration
  ) -> String {
    var parts = ["epoch \(epoch + 1)/\(epochs.upperBound)", "batch \(batchesDone)/\(batches)"]
    parts += Self.numbers(metrics, prefix: "")
    if let validation { parts += Self.numbers(validation, prefix: "validation ") }
    let seconds = elapsed / .seconds(1)
    if seconds > 1e-9 {
      parts.append("\(Int((Double(batchesDone) / seconds).rounded())) batches/s")
    }
    return parts.joined(separator: ", ")
  }

  private static func numbers(_ metrics: Metrics, prefix: String) -> [String] {
    var parts = ["\(prefix)loss \(fourDigits(metrics.loss))"]
    if let accuracy = metrics.accuracy {
      parts.append("\(prefix)accuracy \((accuracy * 1000).rounded() / 10) %")
    }
    return parts
  }

  /// Four digits: 0.6931, 178.8, 1.234e-05.
  private static func fourDigits(_ value: Double) -> String {
    // Printed by hand: a NaN may have a sign, which means nothing to the reader.
    if value.isNaN { return "nan" }
    guard value.isFinite, value != 0, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    while abs(value) * scale < 1000, scale < 1e300 { scale *= 10 }
    return "\((value * scale).rounded() / scale)"
  }
}
