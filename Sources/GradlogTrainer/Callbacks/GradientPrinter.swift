public import Gradlog

/// Prints the gradient of every weight of every batch: `weight name: …, gradient: …`.
///
/// The arrays look as numpy prints them; large ones are abbreviated, see ``ArrayText``.
public final class GradientPrinter: Callback {
  private let stage: GradientStage
  private let output: TextSink

  /// Prints the gradients of a stage, by default those before clipping, to the standard output.
  public init(stage: GradientStage = .raw, output: TextSink = .standardOutput) {
    self.stage = stage
    self.output = output
  }

  /// Prints one line, or several for an array of several, for each weight.
  public func onGradients(_ event: GradientEvent) {
    for gradient in event.gradients(at: stage) {
      let text = gradient.values.map { Self.text($0, gradient.weight.shape) } ?? "None"
      output("weight name: \(gradient.weight.name), gradient: \(text)\n")
    }
  }

  private static func text(_ values: UnsafeBufferPointer<Float>, _ shape: [Int]) -> String {
    do throws(GradlogError) {
      return try ArrayText.describe(values, shape: shape)
    } catch {
      // A gradient has the shape of its weight, so this is not reached; it says so if it is.
      return error.description
    }
  }
}
