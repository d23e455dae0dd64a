/// The elements of a gradient that its direction is judged by: at most 1,024, the same places for the same
/// shape. Docs/FileFormat.md has the rule.
struct GradientSample: ~Copyable {
  /// The most elements of a sample.
  static let capacity = 1024
  private static let runs = 64
  private static let runLength = capacity / runs

  /// The sample taken last.
  let elements: UnsafeMutablePointer<Float>
  private(set) var count = 0

  private let doubles: UnsafeMutablePointer<Double>

  init() {
    elements = .allocate(capacity: Self.capacity)
    doubles = .allocate(capacity: Self.capacity)
  }

  deinit {
    elements.deallocate()
    doubles.deallocate()
  }

  /// Elements of the sample of a gradient of so many.
  static func count(of elementCount: Int) -> Int { min(elementCount, capacity) }

  /// Takes the sample of a gradient.
  mutating func take(from view: TensorView) {
    count = Self.count(of: view.elementCount)
    if view.elementCount <= Self.capacity {
      load(view, from: 0, count: count, to: 0)
    } else {
      for run in 0..<Self.runs {
        let start = run * (view.elementCount - Self.runLength) / (Self.runs - 1)
        load(view, from: start, count: Self.runLength, to: run * Self.runLength)
      }
    }
    if view.dtype == .float64 { narrow() }
  }

  private func load(_ view: TensorView, from start: Int, count: Int, to place: Int) {
    let room = UnsafeMutableRawPointer(elements + place)
    if view.dtype == .float64 {
      view.load(into: doubles + place, from: start, count: count)
    } else if let block = view.floatBlock(from: start, count: count, in: room),
      block.start != UnsafeRawPointer(room)
    {
      room.copyMemory(from: block.start, byteCount: count * 4)
    }
  }

  /// Rounds Doubles to Floats. A direction has no length, so they are divided by a power of two first: none overflows then,
  /// and what underflows is nothing beside the largest.
  private func narrow() {
    var largest = 0.0
    for index in 0..<count { largest = max(largest, doubles[index].magnitude) }
    let exponent = largest.isFinite && largest > 0 ? Int(largest.exponent) : 0
    let inverse = Double(sign: .plus, exponent: min(max(-exponent, -1022), 1022), significand: 1)
    for index in 0..<count { elements[index] = Float(doubles[index] * inverse) }
  }
}
