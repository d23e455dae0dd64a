internal import Foundation
internal import GRDB
internal import Gradlog

/// What a comparison of two gradients of one weight says.
struct GradientDifference {
  /// Tells what differs first; nil when nothing does, or nothing beyond the tolerance. It can be asked
  /// until the next gradients are compared.
  let part: (() -> DifferingPart)?
  let drift: Drift
  let basis: ComparisonBasis
}

/// Compares the gradients of one batch in two runs, weight by weight: by their values where both runs
/// have them in the same precision, else by their statistics.
///
/// One tensor of each run is held at a time.
final class GradientComparison {
  private let first: Side
  private let second: Side
  private let tolerance: Tolerance?
  private let elements: ElementComparison

  /// One of the two runs.
  private struct Side {
    let recording: Recording
    let blobs: BlobReader

    func damage(_ weight: ComparedWeight, _ problem: String) -> GradlogError {
      GradlogError(
        .notAGradlogFile,
        "'\(recording.path)' is damaged (values of '\(weight.name)': \(problem))",
        remedy: "restore a copy of the file")
    }

    func check(_ row: ComparedGradient, _ weight: ComparedWeight) throws {
      if row.hasForeignValues { throw damage(weight, "no blob of an encoding that there is") }
    }

    func values(
      _ row: ComparedGradient, _ encoding: StoredEncoding, _ weight: ComparedWeight
    ) throws -> StoredElements {
      guard let dtype = weight.dtype, let shape = weight.shape else {
        throw damage(weight, "it has no dtype or shape that there is")
      }
      let bytes = try blobs.readWhole(gradient: row.gradientID, byteCount: row.byteCount)
      do throws(GradlogError) {
        return try StoredElements(bytes, encoding, dtype: dtype, shape: shape)
      } catch {
        throw damage(weight, error.problem)
      }
    }
  }

  init(
    _ first: (recording: Recording, db: Database), _ second: (recording: Recording, db: Database),
    within tolerance: Tolerance?
  ) throws {
    self.first = Side(recording: first.recording, blobs: try BlobReader(first.db))
    self.second = Side(recording: second.recording, blobs: try BlobReader(second.db))
    self.tolerance = tolerance
    elements = ElementComparison(within: tolerance)
  }

  /// Compares two gradients of which at least one has a row; nil when neither run has a gradient.
  func compare(
    _ weight: (a: ComparedWeight, b: ComparedWeight), _ a: ComparedGradient?, _ b: ComparedGradient?
  ) throws -> GradientDifference? {
    let present = (a: a.flatMap { $0.isAbsent ? nil : $0 }, b: b.flatMap { $0.isAbsent ? nil : $0 })
    guard let a = present.a, let b = present.b else {
      if present.a == nil, present.b == nil { return nil }
      return GradientDifference(
        part: { .presence(inFirst: present.a != nil) }, drift: .unknown, basis: ComparisonBasis())
    }
    try first.check(a, weight.a)
    try second.check(b, weight.b)
    var basis = ComparisonBasis()
    guard let encodingA = a.encoding, let encodingB = b.encoding else {
      basis.statistics = 1
      return compareStatistics(weight.a, a, b, basis)
    }
    let areRounded = (a: encodingA.isRounded, b: encodingB.isRounded)
    if !areRounded.a, !areRounded.b {
      basis.values = 1
    } else if encodingA == encodingB, weight.a.dtype == weight.b.dtype {
      basis.roundedValues = 1
    } else {
      basis.statisticsForRounding = 1
      return compareStatistics(weight.a, a, b, basis)
    }
    let valuesA = try first.values(a, encodingA, weight.a)
    let valuesB = try second.values(b, encodingB, weight.b)
    var difference = compareValues(weight.a, (a, valuesA), (b, valuesB), basis)
    if basis.roundedValues > 0, difference.part == nil || tolerance != nil {
      // What rounding has hidden shows in the statistics; and rounding moves elements farther apart than
      // a small tolerance lets them be.
      let statistics = compareStatistics(weight.a, a, b, basis)
      difference = GradientDifference(
        part: statistics.part, drift: difference.drift, basis: basis)
    }
    return difference
  }

  private func compareStatistics(
    _ weight: ComparedWeight, _ a: ComparedGradient, _ b: ComparedGradient, _ basis: ComparisonBasis
  ) -> GradientDifference {
    let (first, second) = (a.statistics, b.statistics)
    let drift = first.drift(to: second)
    let differing = first.firstDifference(
      from: second, within: tolerance, elementCount: weight.elementCount)
    guard let differing else { return GradientDifference(part: nil, drift: drift, basis: basis) }
    let part = {
      DifferingPart.statistic(
        name: StatisticsRow.columns[differing], a: first.spelled(differing),
        b: second.spelled(differing))
    }
    return GradientDifference(part: part, drift: drift, basis: basis)
  }

  private func compareValues(
    _ weight: ComparedWeight, _ a: (row: ComparedGradient, values: StoredElements),
    _ b: (row: ComparedGradient, values: StoredElements), _ basis: ComparisonBasis
  ) -> GradientDifference {
    if a.values.isWrittenLike(b.values), a.values.bytes.hasSameBytes(as: b.values.bytes) {
      return GradientDifference(part: nil, drift: .none, basis: basis)
    }
    let largest = max(a.row.statistics.largest, b.row.statistics.largest)
    elements.begin(a.values.type, b.values.type, largest: largest)
    StoredElements.forEachPiece(of: a.values, b.values) { first, count, startA, startB in
      elements.add(from: first, count: count, startA, startB)
    }
    guard let index = elements.firstIndex else {
      return GradientDifference(part: nil, drift: elements.drift, basis: basis)
    }
    let part = {
      let spelled = StoredElements.spell(a.values, b.values, at: index)
      return DifferingPart.element(
        index: Self.indices(of: index, in: weight.shape ?? []), a: spelled.a, b: spelled.b)
    }
    return GradientDifference(part: part, drift: elements.drift, basis: basis)
  }

  /// The index along each axis of the element with a row-major index.
  private static func indices(of index: Int, in shape: [Int]) -> [Int] {
    var rest = index
    var indices: [Int] = []
    for extent in shape.reversed() {
      indices.append(rest % extent)
      rest /= extent
    }
    return indices.reversed()
  }
}

extension StoredEncoding {
  /// Whether the elements are not those of the gradient, but rounded.
  fileprivate var isRounded: Bool {
    switch self {
    case .dense, .rows: false
    case .float16, .bfloat16: true
    }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    guard let start = baseAddress, let otherStart = other.baseAddress else { return true }
    return memcmp(start, otherStart, count) == 0
  }
}
