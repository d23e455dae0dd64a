import Gradlog
import GradlogTrainer
import Testing

struct PrintingTests {
  private func model() throws -> Sequential {
    try Sequential(
      [Dense(2, kernelInitializer: .ones), Dense(1, kernelInitializer: .ones, isTrainable: false)],
      inputs: 2, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0, clipping: .value(10)))
  }

  private func data() throws -> TrainingData {
    try TrainingData(x: Matrix([[1, 2]]), y: Matrix([[3.5]]))
  }

  @Test func gradientsArePrintedAsInTheArticle() throws {
    var text = ""
    try model().fit(data(), callbacks: [GradientPrinter(output: TextSink { text += $0 })])
    #expect(
      text == """
        weight name: dense_0/kernel, gradient: [[ 5.  5.]
         [10. 10.]]
        weight name: dense_0/bias, gradient: [5. 5.]
        weight name: dense_1/kernel, gradient: None
        weight name: dense_1/bias, gradient: None

        """)
  }

  @Test func theAppliedStageIsPrintedOnRequest() throws {
    var text = ""
    let target = try TrainingData(x: Matrix([[1, 2]]), y: Matrix([[0]]))
    try model().fit(
      target, callbacks: [GradientPrinter(stage: .applied, output: TextSink { text += $0 })])
    #expect(text.hasPrefix("weight name: dense_0/kernel, gradient: [[10. 10.]\n [10. 10.]]\n"))
  }

  /// Trains 2 epochs of 4 batches while a clock goes 40 ms from reading to reading.
  private func progress(isTerminal: Bool) throws -> [String] {
    var writes: [String] = []
    var time = Duration.zero
    let line = ProgressLine(
      output: TextSink(isTerminal: isTerminal) { writes.append($0) },
      now: {
        time += .milliseconds(40)
        return time
      })
    let model = try Sequential(
      [Dense(1, kernelInitializer: .zeros)], inputs: 1, loss: .binaryCrossentropy,
      optimizer: .sgd(learningRate: 0))
    let rows = try Matrix([[0], [1], [1], [0]])
    try model.fit(
      TrainingData(x: rows, y: rows), batchSize: 1, epochs: 2, shuffle: false,
      validationData: TrainingData(x: Matrix([[0]]), y: Matrix([[0]])), callbacks: [line])
    return writes
  }

  @Test func aLogGetsALineForEachEpoch() throws {
    let rest =
      "batch 4/4, loss 8.059, accuracy 50.0 %, validation loss 1.192e-07, validation accuracy 100.0 %, 100 batches/s\n"
    #expect(try progress(isTerminal: false) == ["epoch 1/2, " + rest, "epoch 2/2, " + rest])
  }

  @Test func aTerminalLineIsRewrittenAtABoundedRate() throws {
    let writes = try progress(isTerminal: true)
    // Readings 40 ms apart: the third batch is the first to come 100 ms after the epoch began.
    #expect(writes.count == 6)
    #expect(writes[0] == "\repoch 1/2, batch 3/4, loss 10.75, accuracy 33.3 %, 25 batches/s")
    #expect(writes[1].hasPrefix("\repoch 1/2, batch 4/4, loss 8.059, accuracy 50.0 %, validation"))
    #expect(writes[2] == "\n")
  }
}
