/// One named tensor of a model: what it is called and how it is shaped, without its values.
public struct Weight: Sendable, Equatable {
  /// `dense_0/kernel`, `dense_0/bias`, `dense_1/kernel` … from the input on.
  public let name: String

  /// [inputs, units] of a kernel, [units] of a bias.
  public let shape: [Int]

  /// The order from the input towards the loss; 0 is nearest the input.
  public let position: Int

  /// Whether training changes it.
  public let isTrainable: Bool

  /// The number of values.
  public var elementCount: Int { shape.reduce(1, *) }
}

/// A weight with its values and its gradients, whose addresses last as long as the model.
final class Parameter {
  let weight: Weight
  let values: FloatBuffer

  /// d(loss)/d(weight) of the batch; nil when the weight is frozen.
  let gradient: FloatBuffer?

  /// The gradient after clipping; the same buffer as ``gradient`` when nothing is clipped.
  let clippedGradient: FloatBuffer?

  /// Euclidean norm of the values.
  var norm: Double {
    values.values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  init(_ weight: Weight, isClipped: Bool) {
    self.weight = weight
    values = FloatBuffer(count: weight.elementCount)
    gradient = weight.isTrainable ? FloatBuffer(count: weight.elementCount) : nil
    let separate = weight.isTrainable && isClipped
    clippedGradient = separate ? FloatBuffer(count: weight.elementCount) : gradient
  }
}
