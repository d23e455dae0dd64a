import GradlogTrainer
import Testing

/// Every recorded Keras run, retrained from its own file: each batch's loss and gradients, and the
/// weights at the end, within |a − b| ≤ 1e-6 + 1e-4·|b|.
struct TrajectoryTests {
  @Test func everyKindOfRunIsThere() {
    #expect(Trajectory.names.count == 52)
  }

  @Test(arguments: Trajectory.names)
  func followsKeras(_ name: String) throws {
    let description = try ModelDescription.read(path: Trajectory.path(name))
    let expected = try Trajectory.read(name)
    let model = try description.makeModel()
    let keeper = GradientKeeper()
    try description.fit(model, on: try #require(description.data), callbacks: [keeper])

    #expect(keeper.batches.count == expected.batches.count)
    for (found, expected) in zip(keeper.batches, expected.batches) {
      let place = "\(name), epoch \(expected.epoch), batch \(expected.batch)"
      #expect([found.epoch, found.batch] == [expected.epoch, expected.batch])
      #expect(found.rows == expected.rows[1] - expected.rows[0], "\(place)")
      #expect(worstDeviation([found.loss], from: [expected.loss]) == nil, "loss, \(place)")
      #expect(Set(found.raw.keys) == Set(expected.gradients.keys), "\(place)")
      for (weight, gradient) in expected.gradients {
        let deviation = worstDeviation(found.raw[weight] ?? [], from: gradient.values)
        #expect(deviation == nil, "\(weight), \(place)")
      }
    }
    for (weight, values) in expected.finalWeights {
      let deviation = worstDeviation(try model.values(of: weight), from: values.values)
      #expect(deviation == nil, "final \(weight) of \(name)")
    }
  }
}
