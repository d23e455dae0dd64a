internal import Gradlog

extension Optimizer {
  /// Throws when a parameter lies outside its range.
  func check() throws(GradlogError) {
    try require("learning_rate", learningRate, from: 0)
    if let weightDecay { try require("weight_decay", weightDecay, from: 0) }
    switch rule {
    case .sgd(let momentum, _): try require("momentum", momentum, from: 0, through: 1)
    case .rmsprop(let rho, let momentum, let epsilon, _):
      try require("rho", rho, from: 0, through: 1)
      try require("momentum", momentum, from: 0, through: 1)
      try require("epsilon", epsilon, from: 0)
    case .adam(let beta1, let beta2, let epsilon, _):
      // At 1 the bias correction divides by zero.
      try require("beta_1", beta1, from: 0, through: 1.nextDown)
      try require("beta_2", beta2, from: 0, through: 1.nextDown)
      try require("epsilon", epsilon, from: 0)
    }
    switch clipping {
    case nil: break
    case .norm(let limit): try requirePositive("clipnorm", limit)
    case .globalNorm(let limit): try requirePositive("global_clipnorm", limit)
    case .value(let limit): try requirePositive("clipvalue", limit)
    }
  }

  private func require(
    _ parameter: String, _ value: Double, from lowest: Double,
    through highest: Double = .greatestFiniteMagnitude
  ) throws(GradlogError) {
    guard value >= lowest, value <= highest else {
      let range =
        highest == .greatestFiniteMagnitude
        ? "a number of at least 0"
        : highest == 1 ? "a number from 0 to 1" : "a number from 0 to below 1"
      throw GradlogError(
        .invalidArgument, "\(parameter) of \(name) is \(value)", remedy: "choose \(range)")
    }
  }

  private func requirePositive(_ parameter: String, _ value: Double) throws(GradlogError) {
    guard value > 0, value.isFinite else {
      throw GradlogError(
        .invalidArgument, "\(parameter) of \(name) is \(value)",
        remedy: "choose a number greater than 0")
    }
  }
}
