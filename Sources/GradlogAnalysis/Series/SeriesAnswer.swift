internal import GRDB
internal import Gradlog

/// The answer to a question of `queries/`, found in the series instead of the rows: the same rows, in a
/// fiftieth of the time. The SQL says what the answer is; a test holds the two against each other.
protocol SeriesAnswer {
  init(to question: SeriesQuestion)

  /// The rows of the answer, in the order and with the columns of the question.
  func rows(from series: SeriesReader, _ db: Database) throws -> [[CellValue]]
}

extension CannedQuery {
  /// How this question is answered from a series; nil when only its SQL answers it.
  var seriesAnswer: (any SeriesAnswer.Type)? {
    switch name {
    case "by-depth": DepthAnswer.self
    case "exploding": ExplodingAnswer.self
    case "nonfinite": NonFiniteAnswer.self
    case "vanishing": VanishingAnswer.self
    default: nil
    }
  }

  /// The rows of the answer to this question; nil when its SQL has to be run.
  func answer(with values: [String: CellValue], in db: Database) throws -> [[CellValue]]? {
    let question = SeriesQuestion(values)
    guard let seriesAnswer, question.agrees(with: parameters),
      let series = try SeriesReader(question, in: db)
    else { return nil }
    let rows = try seriesAnswer.init(to: question).rows(from: series, db)
    return Array(rows.prefix(question.limit ?? .max))
  }
}

extension SeriesIndex.Weight {
  /// The columns `run`, `rank`, `weight` and `position`.
  var cells: [CellValue] { [run, rank, name, .integer(position)] }
}

extension SeriesIndex.Batch {
  /// The columns `epoch` and `batch`.
  var cells: [CellValue] { [.integer(epoch), .integer(batch)] }
}
