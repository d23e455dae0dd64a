internal import GRDB
internal import Gradlog

/// A weight as a run has it.
struct ComparedWeight {
  let weightID: Int64
  let name: String
  /// The type of the elements; nil when no gradient was ever seen, or when the file names none that
  /// there is.
  let dtype: DType?
  /// The extents; nil when no gradient was ever seen, or when the file tells none.
  let shape: [Int]?
  /// Number of elements; 0 when the shape does not tell.
  let elementCount: Int
  /// `dtype` and `shape` as the file spells them; nil for NULL.
  let spelled: (dtype: String?, shape: String?)

  init(_ row: PreparedStatement) {
    weightID = row.integer(at: 0)
    name = row.value(at: 1).text ?? "?"
    spelled = (row.value(at: 2).text, row.value(at: 3).text)
    dtype = spelled.dtype.flatMap(DType.init(rawValue:))
    let extents = StoredShape.dimensions(spelled.shape)
    let count = extents.flatMap { try? TensorView.elementCount(of: $0) }
    shape = count == nil ? nil : extents
    elementCount = count ?? 0
  }

  /// The weights of a run from the input on.
  static func all(
    ofRun runID: Int64, matching pattern: String?, in db: Database
  ) throws -> [ComparedWeight] {
    let rows = try PreparedStatement(
      """
      SELECT weight_id, name, substr(dtype, 1, 40), substr(shape, 1, 2000) FROM weights
      WHERE run_id = :run AND (:pattern IS NULL OR name GLOB :pattern) ORDER BY position, weight_id
      """, on: db)
    try rows.bind(.integer(runID), to: "run")
    if let pattern { try rows.bind(.text(pattern), to: "pattern") }
    var weights: [ComparedWeight] = []
    while try rows.step() { weights.append(ComparedWeight(rows)) }
    return weights
  }
}

/// Which weights of two runs are held against each other: those of one name and one shape.
struct WeightMatching {
  /// In the order of the first run's weights.
  private(set) var pairs: [(a: ComparedWeight, b: ComparedWeight)] = []
  private(set) var mismatches: [WeightMismatch] = []

  init(_ a: [ComparedWeight], _ b: [ComparedWeight]) {
    let partners = Dictionary(b.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for weight in a {
      guard let partner = partners[weight.name] else {
        mismatches.append(.onlyInFirst(weight.name))
        continue
      }
      guard Self.haveOneShape(weight, partner) else {
        mismatches.append(
          .shape(
            weight.name, a: weight.spelled.shape ?? "NULL", b: partner.spelled.shape ?? "NULL"))
        continue
      }
      pairs.append((weight, partner))
      if let first = weight.spelled.dtype, let second = partner.spelled.dtype, first != second {
        mismatches.append(.dtype(weight.name, a: first, b: second))
      }
    }
    let names = Set(a.map(\.name))
    mismatches += b.filter { !names.contains($0.name) }.map { .onlyInSecond($0.name) }
  }

  /// A weight of which a run never saw a gradient has no shape yet.
  private static func haveOneShape(_ a: ComparedWeight, _ b: ComparedWeight) -> Bool {
    guard let first = a.spelled.shape, let second = b.spelled.shape else { return true }
    return a.shape.flatMap { shape in b.shape.map { $0 == shape } } ?? (first == second)
  }
}
