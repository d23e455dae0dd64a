/// The gradients of one batch while they are handed to a recorder.
///
/// Name the weights in the same order in each batch, from the input towards the loss: the order of
/// the first batch becomes their position.
public struct GradientBatch: ~Copyable {
  let slab: Slab
  /// How memory that is there until this batch is handed over is read.
  let intake: Intake
  /// The first gradient that could not be taken.
  package private(set) var failure: GradlogError?

  init(in slab: Slab, _ intake: Intake) {
    self.slab = slab
    self.intake = intake
  }

  /// Adds the gradient of a weight. Its bytes are copied before this returns, except within
  /// ``GradientRecorder/recordInPlace(_:_:)``.
  public mutating func add(_ weight: String, _ gradient: TensorView) {
    slab.append(gradient, of: weight, intake)
  }

  /// Adds the gradient of a weight from an array of its elements in row-major order.
  ///
  /// Elements that do not fit `shape` make the whole batch count as lost, with the reason in
  /// ``GradientRecorder/losses``: recording must not stop the training.
  public mutating func add<Element: TensorElement>(
    _ weight: String, _ elements: [Element], shape: [Int]
  ) {
    // An array's memory is only there within this call.
    let intake = intake == .borrow ? .copy : intake
    elements.withUnsafeBytes { add(weight, Element.dtype, shape, $0, intake) }
  }

  /// Adds the gradient of a weight from a buffer of its elements in row-major order; see
  /// ``add(_:_:shape:)-array``.
  public mutating func add<Element: TensorElement>(
    _ weight: String, _ elements: UnsafeBufferPointer<Element>, shape: [Int]
  ) {
    add(weight, Element.dtype, shape, UnsafeRawBufferPointer(elements), intake)
  }

  /// Adds the gradient of a weight whose elements are not contiguous.
  package mutating func add(_ weight: String, _ gradient: StridedTensor) {
    slab.append(gradient, of: weight)
  }

  /// Adds a gradient of which only some rows are there.
  package mutating func add(_ weight: String, _ gradient: RowSparseTensor) {
    slab.append(gradient, of: weight)
  }

  /// Adds a gradient that is zero except in some rows, as an embedding's.
  ///
  /// - Parameters:
  ///   - weight: its name.
  ///   - rows: the elements of one row after the other.
  ///   - indices: the row of the gradient that each of these is; rows of one index are summed in their
  ///     order.
  ///   - shape: that of the whole gradient. Rows that do not fit it make the batch count as lost.
  public mutating func add<Element: TensorElement>(
    _ weight: String, rows: [Element], at indices: [Int], shape: [Int]
  ) {
    do throws(GradlogError) {
      // As a dense tensor, the rows have this shape.
      let rowShape = [indices.count] + shape.dropFirst()
      guard try TensorView.elementCount(of: rowShape) == rows.count else {
        throw GradlogError(
          .invalidTensor, "\(rows.count) elements are not rows of shape \(rowShape)",
          remedy: "pass one row for each index")
      }
      let failure = rows.withUnsafeBytes { rows in
        indices.map(Int64.init).withUnsafeBufferPointer { indices -> GradlogError? in
          do throws(GradlogError) {
            add(
              weight,
              try RowSparseTensor(
                dtype: Element.dtype, shape: shape, indices: indices, rows: rows.baseAddress))
            return nil
          } catch {
            return error
          }
        }
      }
      if let failure { throw failure }
    } catch {
      fail(weight, error)
    }
  }

  /// Lets the batch count as lost, because one of its gradients cannot be taken.
  package mutating func fail(_ weight: String?, _ error: GradlogError) {
    let place = weight.map { "weight \"\($0)\": " } ?? ""
    failure = failure ?? GradlogError(error.code, place + error.problem, remedy: error.remedy)
  }

  /// Notes that a weight has no gradient in this batch.
  ///
  /// - Parameters:
  ///   - weight: its name.
  ///   - isFrozen: whether that is meant: the training holds the weight fixed. Otherwise it was not used,
  ///     or detached from the loss by mistake.
  public mutating func addAbsent(_ weight: String, isFrozen: Bool = false) {
    slab.appendAbsent(weight, isFrozen: isFrozen)
  }

  private mutating func add(
    _ weight: String, _ dtype: DType, _ shape: [Int], _ bytes: UnsafeRawBufferPointer,
    _ intake: Intake
  ) {
    do {
      let tensor = try TensorView(dtype: dtype, shape: shape, bytes: bytes)
      slab.append(tensor, of: weight, intake)
    } catch {
      fail(weight, error)
    }
  }
}
