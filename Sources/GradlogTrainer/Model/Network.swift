/// The numbers of a model: its layers' weights and the memory that one batch needs.
///
/// Nothing is allocated while batches run: ``reserve(rows:)`` sizes the workspaces beforehand.
final class Network {
  /// Every weight, from the input on.
  let parameters: [Parameter]

  private let inputs: Int
  private let layers: [Layer]

  /// The first layer whose weights are trained: the backward pass ends there.
  private let firstTrainable: Int

  private var workspace: Workspace

  /// One layer: what it is, and where its weights are.
  private struct Layer {
    let activation: Activation
    let inputs: Int
    let units: Int
    let kernel: Parameter
    let bias: Parameter?
  }

  /// Memory for the rows of one batch.
  private struct Workspace {
    let rows: Int
    let targetColumns: Int
    let product: MatrixProduct
    let x: FloatBuffer
    let y: FloatBuffer
    /// Each layer before its activation, [rows, units].
    let z: [FloatBuffer]
    /// Each layer after its activation; the same memory as `z` where the activation is linear.
    let a: [FloatBuffer]
    /// d(loss)/dz of each layer.
    let delta: [FloatBuffer]
  }

  /// Lays out the weights, all zeros.
  init(_ description: [Dense], inputs: Int, isClipped: Bool) {
    var layers: [Layer] = []
    var parameters: [Parameter] = []
    for (index, dense) in description.enumerated() {
      let width = layers.last?.units ?? inputs
      func parameter(_ kind: String, _ shape: [Int]) -> Parameter {
        let weight = Weight(
          name: "dense_\(index)/\(kind)", shape: shape, position: parameters.count,
          isTrainable: dense.isTrainable)
        parameters.append(Parameter(weight, isClipped: isClipped))
        return parameters[weight.position]
      }
      layers.append(
        Layer(
          activation: dense.activation, inputs: width, units: dense.units,
          kernel: parameter("kernel", [width, dense.units]),
          bias: dense.usesBias ? parameter("bias", [dense.units]) : nil))
    }
    self.inputs = inputs
    self.layers = layers
    self.parameters = parameters
    firstTrainable = description.firstIndex(where: \.isTrainable) ?? description.count
    workspace = Self.makeWorkspace(layers, inputs: inputs, rows: 0, targetColumns: 0)
  }

  /// Makes room for batches of up to `rows` rows with `targetColumns` targets each.
  func reserve(rows: Int, targetColumns: Int) {
    if rows > workspace.rows || targetColumns != workspace.targetColumns {
      workspace = Self.makeWorkspace(
        layers, inputs: inputs, rows: rows, targetColumns: targetColumns)
    }
  }

  private static func makeWorkspace(
    _ layers: [Layer], inputs: Int, rows: Int, targetColumns: Int
  ) -> Workspace {
    let widest = layers.map { max($0.inputs, $0.units) }.max() ?? 0
    let z = layers.map { FloatBuffer(count: rows * $0.units) }
    return Workspace(
      rows: rows, targetColumns: targetColumns,
      product: MatrixProduct(maximumDepth: max(widest, rows)),
      x: FloatBuffer(count: rows * inputs), y: FloatBuffer(count: rows * targetColumns), z: z,
      a: zip(layers, z).map { layer, z in
        layer.activation == .linear ? z : FloatBuffer(count: z.count)
      },
      delta: z.map { FloatBuffer(count: $0.count) })
  }
}

extension Network {
  /// Copies rows of `data`, in the order of `rows`, to where the passes read them.
  ///
  /// Room for them has been made with ``reserve(rows:targetColumns:)``.
  func load(_ data: TrainingData, rows: ArraySlice<Int>) {
    Self.copy(data.x, rows, to: workspace.x)
    Self.copy(data.y, rows, to: workspace.y)
  }

  private static func copy(_ matrix: Matrix, _ rows: ArraySlice<Int>, to buffer: FloatBuffer) {
    matrix.values.withUnsafeBufferPointer { values in
      guard let source = values.baseAddress else { return }
      var target = buffer.start
      for row in rows {
        target.update(from: source + row * matrix.columns, count: matrix.columns)
        target += matrix.columns
      }
    }
  }

  /// Runs the loaded rows through every layer.
  ///
  /// - Returns: the last layer's values and the targets, valid until the next pass.
  func forward(rows: Int) -> LossInput {
    var x = UnsafePointer(workspace.x.start)
    for (index, layer) in layers.enumerated() {
      let z = workspace.z[index].start
      let a = workspace.a[index].start
      let bias = layer.bias.map { UnsafePointer($0.values.start) }
      workspace.product.forward(
        x: x, kernel: layer.kernel.values.start, bias: bias, y: z, rows: rows,
        inputs: layer.inputs, units: layer.units)
      if a != z { layer.activation.apply(z, into: a, rows: rows, units: layer.units) }
      x = UnsafePointer(a)
    }
    let last = layers.count - 1
    return LossInput(
      z: workspace.z[last].start, a: workspace.a[last].start, y: workspace.y.start, rows: rows,
      units: layers[last].units)
  }

  /// The loss of what ``forward(rows:)`` returned; prepares ``backward(rows:)``.
  func evaluate(_ loss: Loss, _ input: LossInput) -> Float {
    let last = layers.count - 1
    let delta = workspace.delta[last].start
    let activation = layers[last].activation
    let usesLogits = loss.usesLogits(of: activation)
    let value = loss.evaluate(input, usesLogits: usesLogits, delta: delta)
    if !usesLogits {
      activation.backpropagate(
        delta, z: input.z, a: input.a, rows: input.rows, units: input.units)
    }
    return value
  }

  /// Fills the gradient of every trainable weight, from the loss back to the first of them.
  func backward(rows: Int) {
    for index in stride(from: layers.count - 1, through: firstTrainable, by: -1) {
      let layer = layers[index]
      let delta = workspace.delta[index].start
      let x = index == 0 ? workspace.x.start : workspace.a[index - 1].start
      if let gradient = layer.kernel.gradient {
        workspace.product.kernelGradient(
          x: x, delta: delta, into: gradient.start, rows: rows, inputs: layer.inputs,
          units: layer.units)
      }
      if let gradient = layer.bias?.gradient {
        sumColumns(delta, into: gradient, rows: rows)
      }
      if index > firstTrainable {
        let below = workspace.delta[index - 1].start
        workspace.product.inputGradient(
          delta: delta, kernel: layer.kernel.values.start, into: below, rows: rows,
          inputs: layer.inputs, units: layer.units)
        layers[index - 1].activation.backpropagate(
          below, z: workspace.z[index - 1].start, a: x, rows: rows, units: layer.inputs)
      }
    }
  }
}

/// The gradient of a bias: d(loss)/dz summed over the rows.
private func sumColumns(_ delta: UnsafePointer<Float>, into sums: FloatBuffer, rows: Int) {
  let columns = sums.count
  sums.values.update(repeating: 0)
  for row in 0..<rows {
    for column in 0..<columns { sums.start[column] += delta[row * columns + column] }
  }
}
