internal import GradlogAnalysis

/// Writes the rows of a comparison, for a person without the columns that say nothing.
struct DriftTable {
  /// Rows by which columns are judged.
  private static let judgedRows = 500

  private var writer: AnyRowWriter
  private let isForReading: Bool
  private var waiting: [DriftRow] = []
  private var columns: [Column]?

  init(to writer: AnyRowWriter, isForReading: Bool) {
    self.writer = writer
    self.isForReading = isForReading
  }

  /// Adds a row.
  mutating func add(_ row: DriftRow) throws {
    if let columns { return try writer.write(columns.map { $0.value(row) }) }
    waiting.append(row)
    if !isForReading || waiting.count == Self.judgedRows { try begin() }
  }

  /// Ends the table.
  mutating func end() throws {
    if columns == nil { try begin() }
    try writer.end()
  }

  private mutating func begin() throws {
    let columns = Column.all.filter { column in
      !isForReading || !column.isOptional || waiting.contains { column.tells($0) }
    }
    self.columns = columns
    try writer.begin(columns: columns.map(\.name))
    for row in waiting { try writer.write(columns.map { $0.value(row) }) }
    waiting = []
  }
}

extension DriftTable {
  /// What is told of a batch.
  private struct Column {
    let name: String
    let value: (DriftRow) -> CellValue
    /// Whether a person can do without it when it says nothing about any batch.
    var isOptional = false

    /// Whether it says something about a batch.
    func tells(_ row: DriftRow) -> Bool {
      switch value(row) {
      case .null, .integer(0), .text(""): false
      case .text("values"): name != "compared_by"
      default: name != "first_weight"
      }
    }

    static var all: [Column] {
      [
        Column(name: "rank", value: { count($0.place.rank) }, isOptional: true),
        Column(name: "step") { count($0.place.step) },
        Column(name: "epoch") { count($0.place.epoch) },
        Column(name: "batch") { count($0.place.batch) },
        Column(name: "optimizer", value: { .text($0.place.optimizer) }, isOptional: true),
        Column(name: "call", value: { count($0.place.call) }, isOptional: true),
        Column(name: "weights") { count($0.weights) },
        Column(name: "differing_weights") { count($0.differingWeights) },
        Column(name: "first_weight", value: { text($0.firstWeight) }, isOptional: true),
        Column(name: "worst_weight") { text($0.worstWeight) },
        Column(name: "max_abs_difference") { real($0.drift.largest) },
        Column(name: "relative_difference") { real($0.drift.relative) },
        Column(name: "cosine") { real($0.drift.cosine) },
        Column(name: "loss_a", value: { real($0.lossA) }, isOptional: true),
        Column(name: "loss_b", value: { real($0.lossB) }, isOptional: true),
        Column(name: "compared_by", value: { .text($0.basis.name) }, isOptional: true),
      ]
    }

    private static func count(_ count: Int) -> CellValue { .integer(Int64(count)) }

    private static func text(_ text: String?) -> CellValue { text.map { .text($0) } ?? .null }

    private static func real(_ number: Double?) -> CellValue { number.map { .real($0) } ?? .null }
  }
}
