/// The gradients of one batch while they are handed to a recorder.
///
/// Name the weights in the same order in each batch, from the input towards the loss: the order of
/// the first batch becomes their position.
public struct GradientBatch: ~Copyable {
  private let slab: Slab
  /// Whether memory that the caller vouches for is read where it is.
  private let borrows: Bool
  /// The first gradient that could not be taken.
  private(set) var failure: GradlogError?

  init(in slab: Slab, borrows: Bool) {
    self.slab = slab
    self.borrows = borrows
  }

  /// Adds the gradient of a weight. Its bytes are copied before this returns, except within
  /// ``GradientRecorder/recordInPlace(_:_:)``.
  public mutating func add(_ weight: String, _ gradient: TensorView) {
    slab.append(gradient, of: weight, borrowed: borrows)
  }

  /// Adds the gradient of a weight from an array of its elements in row-major order.
  ///
  /// Elements that do not fit `shape` make the whole batch count as lost, with the reason in
  /// ``GradientRecorder/losses``: recording must not stop the training.
  public mutating func add<Element: TensorElement>(
    _ weight: String, _ elements: [Element], shape: [Int]
  ) {
    // An array's memory is only there within this call.
    elements.withUnsafeBytes { add(weight, Element.dtype, shape, $0, borrowed: false) }
  }

  /// Adds the gradient of a weight from a buffer of its elements in row-major order; see
  /// ``add(_:_:shape:)-array``.
  public mutating func add<Element: TensorElement>(
    _ weight: String, _ elements: UnsafeBufferPointer<Element>, shape: [Int]
  ) {
    add(weight, Element.dtype, shape, UnsafeRawBufferPointer(elements), borrowed: borrows)
  }

  /// Notes that a weight has no gradient in this batch: frozen, or not used.
  public mutating func addAbsent(_ weight: String) {
    slab.appendAbsent(weight)
  }

  private mutating func add(
    _ weight: String, _ dtype: DType, _ shape: [Int], _ bytes: UnsafeRawBufferPointer,
    borrowed: Bool
  ) {
    do {
      let tensor = try TensorView(dtype: dtype, shape: shape, bytes: bytes)
      slab.append(tensor, of: weight, borrowed: borrowed)
    } catch {
      failure =
        failure
        ?? GradlogError(error.code, "weight \"\(weight)\": \(error.problem)", remedy: error.remedy)
    }
  }
}
