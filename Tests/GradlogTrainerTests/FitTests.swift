import Gradlog
import GradlogTrainer
import Testing

struct FitTests {
  /// Writes every event down.
  private final class Diary: Callback {
    var lines: [String] = []
    var stopAt: (epoch: Int, batch: Int)?
    var refusal: GradlogError?

    func onTrainBegin(_ event: TrainBegin) throws(GradlogError) {
      if let refusal { throw refusal }
      lines.append("train \(event.epochs) of \(event.batchesPerEpoch) from step \(event.step)")
    }
    func onEpochBegin(_ event: EpochBegin) { lines.append("epoch \(event.epoch)") }
    func onBatchBegin(_ event: BatchBegin) {
      lines.append("batch \(event.epoch)/\(event.batch) step \(event.step) rows \(event.rows)")
    }
    func onGradients(_ event: GradientEvent) {
      lines.append("gradients \(event.batch) step \(event.step) of \(event.raw.count)")
      if let stopAt, stopAt == (event.epoch, event.batch) { event.control.stopTraining() }
    }
    func onBatchEnd(_ event: BatchEnd) { lines.append("done \(event.batch) step \(event.step)") }
    func onEpochEnd(_ event: EpochEnd) {
      lines.append("epoch \(event.epoch) done, validated \(event.validation != nil)")
    }
    func onTrainEnd(_ event: TrainEnd) {
      lines.append("end after \(event.step), \(event.history.epochs.count), \(event.isStopped)")
    }
  }

  private func line(_ optimizer: Optimizer = .sgd(), seed: UInt64 = 1) throws -> Sequential {
    try Sequential([Dense(1)], inputs: 2, loss: .meanSquaredError, optimizer: optimizer, seed: seed)
  }

  private let rows = Example.linearRegression.data

  @Test func eventsComeInKerasOrder() throws {
    let diary = Diary()
    try line().fit(
      rows, batchSize: 2, epochs: 4, initialEpoch: 3, validationSplit: 0.25, callbacks: [diary])
    #expect(
      diary.lines == [
        "train 3..<4 of 2 from step 0", "epoch 3", "batch 3/0 step 0 rows 2",
        "gradients 0 step 0 of 2", "done 0 step 1", "batch 3/1 step 1 rows 1",
        "gradients 1 step 1 of 2", "done 1 step 2", "epoch 3 done, validated true",
        "end after 2, 1, false",
      ])
  }

  @Test func aCallbackStopsAfterItsBatch() throws {
    let diary = Diary()
    diary.stopAt = (1, 0)
    let history = try line().fit(rows, batchSize: 2, epochs: 5, callbacks: [diary])
    #expect(
      diary.lines.suffix(5) == [
        "batch 1/0 step 2 rows 2", "gradients 0 step 2 of 2", "done 0 step 3",
        "epoch 1 done, validated false", "end after 3, 2, true",
      ])
    #expect(history.epochs.map(\.epoch) == [0, 1])
  }

  @Test func aCallbackThatThrowsPreventsTraining() throws {
    let diary = Diary()
    let refusal = GradlogError(.storage, "the disk is full", remedy: "make room")
    diary.refusal = refusal
    let model = try line()
    let before = try model.values(of: "dense_0/kernel")
    #expect(throws: refusal) { try model.fit(rows, callbacks: [diary]) }
    #expect(diary.lines.isEmpty)
    #expect(try model.values(of: "dense_0/kernel") == before)
    #expect(model.step == 0)
  }

  @Test func frozenWeightsHaveNoGradientAndStay() throws {
    let model = try Sequential(
      [Dense(2, activation: .tanh), Dense(2, isTrainable: false), Dense(1)], inputs: 2,
      loss: .meanSquaredError, optimizer: .adamW())
    let before = try model.values(of: "dense_1/kernel")
    let keeper = GradientKeeper()
    try model.fit(rows, callbacks: [keeper])
    #expect(keeper.batches.first?.absent == ["dense_1/kernel", "dense_1/bias"])
    #expect(try model.values(of: "dense_1/kernel") == before)
    #expect(keeper.batches.first?.raw["dense_0/kernel"]?.contains { $0 != 0 } == true)
  }

  @Test func clippingLeavesTheRawGradient() throws {
    let keeper = GradientKeeper()
    try line(.sgd(clipping: .norm(0.5))).fit(rows, callbacks: [keeper])
    let batch = try #require(keeper.batches.first)
    let raw = try #require(batch.raw["dense_0/kernel"])
    let applied = try #require(batch.applied["dense_0/kernel"])
    let norm = (raw[0] * raw[0] + raw[1] * raw[1]).squareRoot()
    #expect(norm > 1)
    #expect(worstDeviation(applied, from: raw.map { $0 * 0.5 / norm }) == nil)
  }

  @Test func clippingByAGlobalNormThatIsInfiniteGivesNaN() throws {
    let model = try line(.sgd(clipping: .globalNorm(1)))
    try model.setValues([.infinity, 0], of: "dense_0/kernel")
    let keeper = GradientKeeper()
    try model.fit(rows, callbacks: [keeper])
    #expect(keeper.batches.first?.applied["dense_0/bias"]?.allSatisfy(\.isNaN) == true)
  }

  @Test func oneSeedGivesOneRun() throws {
    func run(_ seed: UInt64) throws -> [Float] {
      let model = try Sequential(
        [Dense(3, activation: .relu), Dense(1)], inputs: 2, loss: .meanSquaredError,
        optimizer: .adam(), seed: seed)
      try model.fit(rows, batchSize: 1, epochs: 3)
      return try model.weights.flatMap { try model.values(of: $0.name) }
    }
    #expect(try run(5) == run(5))
    #expect(try run(5) != run(6))
  }

  @Test func aResumedRunTakesTheRowsOfAnUninterruptedOne() throws {
    let whole = GradientKeeper()
    try line().fit(rows, batchSize: 1, epochs: 4, callbacks: [whole])
    let model = try line()
    let parts = GradientKeeper()
    try model.fit(rows, batchSize: 1, epochs: 2, callbacks: [parts])
    try model.fit(rows, batchSize: 1, epochs: 4, initialEpoch: 2, callbacks: [parts])
    #expect(whole.batches.map(\.loss) == parts.batches.map(\.loss))
    let orders = Set(
      whole.batches.map(\.epoch).map { epoch in
        whole.batches.filter { $0.epoch == epoch }.map { $0.raw["dense_0/bias"] ?? [] }.description
      })
    #expect(orders.count == 4)
  }

  @Test func shufflingVisitsEveryRowOnce() throws {
    let x = try Matrix((0..<10).map { [Float($0)] })
    let model = try Sequential(
      [Dense(1, kernelInitializer: .zeros)], inputs: 1, loss: .meanAbsoluteError,
      optimizer: .sgd(learningRate: 0))
    let keeper = GradientKeeper()
    try model.fit(try TrainingData(x: x, y: x), batchSize: 1, callbacks: [keeper])
    let seen = keeper.batches.map(\.loss)
    #expect(seen.sorted() == (0..<10).map(Float.init))
    #expect(seen != seen.sorted())
  }

  @Test func historyIsTheMeanOverRows() throws {
    let model = try Sequential(
      [Dense(1, kernelInitializer: .zeros)], inputs: 1, loss: .binaryCrossentropy,
      optimizer: .sgd(learningRate: 0))
    let data = try TrainingData(
      x: Matrix([[0], [0], [0]]), y: Matrix([[0], [1], [0]]))
    let history = try model.fit(data, batchSize: 2, shuffle: false, validationData: data)
    // A linear output of 0 is clipped to 1e-7: the row of class 1 costs ln 1e7, the others 1e-7.
    let epoch = try #require(history.epochs.first)
    #expect(abs(epoch.training.loss - 16.118096 / 3) < 1e-5)
    #expect(epoch.training.accuracy == 2.0 / 3)
    #expect(epoch.validation == epoch.training)
  }

  @Test(arguments: [
    (2, "x has 2 columns and the model 3 inputs; give each row of x 3 values"),
    (
      3,
      "y has 1 columns and the last layer 4 units, which categorical_crossentropy compares; give the last layer 1 units, or use sparse_categorical_crossentropy for class numbers"
    ),
  ])
  func dataThatDoNotFitAreRefused(_ columns: Int, _ message: String) throws {
    let model = try Sequential(
      [Dense(4)], inputs: 3, loss: .categoricalCrossentropy, optimizer: .sgd())
    let x = try Matrix(rows: 1, columns: columns, values: Array(repeating: 0, count: columns))
    let data = try TrainingData(x: x, y: Matrix([[0]]))
    let error = #expect(throws: GradlogError.self) { try model.fit(data) }
    #expect(error?.description == message)
  }

  @Test func whatCannotBeBuiltIsRefused() throws {
    func message(_ layers: [Dense], inputs: Int = 2) -> String? {
      #expect(throws: GradlogError.self) {
        try Sequential(layers, inputs: inputs, loss: .meanSquaredError, optimizer: .sgd())
      }?.description
    }
    #expect(message([]) == "the model has no layers; give it one Dense layer at least")
    #expect(message([Dense(0)]) == "layer 0 has 0 units; give it one unit at least")
    #expect(
      message([Dense(1)], inputs: 0)
        == "the model has 0 inputs; give each row of x one value at least")
    #expect(
      message([Dense(2), Dense(.max)])
        == "the kernel of layer 1 would be 2 × 9223372036854775807, over 268435456 values; use fewer units"
    )
  }

  @Test(arguments: [
    (0, 0, 1, "the batch size is 0; choose 1 or more"),
    (
      1, 2, 1,
      "training cannot run from epoch 2 to epoch 1; choose epochs of at least the initial epoch, and that of at least 0"
    ),
  ])
  func runsThatCannotBeAreRefused(
    _ batchSize: Int, _ initialEpoch: Int, _ epochs: Int, _ message: String
  ) throws {
    let error = #expect(throws: GradlogError.self) {
      try line().fit(rows, batchSize: batchSize, epochs: epochs, initialEpoch: initialEpoch)
    }
    #expect(error?.description == message)
  }

  @Test(arguments: [0, 1, -0.5, 0.99, .nan])
  func validationSplitsThatLeaveNothingAreRefused(_ fraction: Double) throws {
    #expect(throws: GradlogError.self) { try line().fit(rows, validationSplit: fraction) }
  }

  @Test func aClassOutOfRangeIsRefused() throws {
    let model = try Sequential(
      [Dense(2)], inputs: 1, loss: .sparseCategoricalCrossentropy, optimizer: .sgd())
    let data = try TrainingData(x: Matrix([[0], [0]]), y: Matrix([[1], [2]]))
    let error = #expect(throws: GradlogError.self) { try model.fit(data) }
    #expect(
      error?.description
        == "y[1] is 2.0, which is not a class from 0 to 1; number the classes from 0 and give the last layer one unit for each"
    )
  }
}
