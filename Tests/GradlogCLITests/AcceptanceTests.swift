import Foundation
import Testing

/// Real trainings, and what the questions say of them. They need an optimized build of the command,
/// which `scripts/test` names in $GRADLOG_TEST_COMMAND.
@Suite(
  .enabled(if: Workplace.optimizedCommand != nil, "needs an optimized build of the command"))
struct AcceptanceTests {
  private static let examples = Workplace.repository + "/Examples"

  /// Trains and returns the best validation accuracy that the progress told, in percent.
  @discardableResult
  private func train(_ place: Workplace, _ options: String) throws -> Double {
    let outcome = try place.gradlog(
      arguments: ["train"]
        + options.split(separator: " ").map {
          $0.hasSuffix(".csv") ? "\(Self.examples)/\($0)" : String($0)
        })
    #expect(outcome.code == 0, "\(outcome.talk)")
    let accuracies = outcome.talk.matches(of: /validation accuracy ([0-9.]+)/).compactMap {
      Double($0.1)
    }
    return accuracies.max() ?? 0
  }

  private func rows(_ place: Workplace, _ question: String) throws -> [[String: String]] {
    let answer = try place.gradlog("query", question, "--db", "real.db", "--format", "csv")
    let lines = answer.output.split(separator: "\r\n").map { $0.components(separatedBy: ",") }
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
  }

  @Test func healthyDigitsAreLearntAndCalledNeither() throws {
    let place = try Workplace()
    let accuracy = try train(
      place,
      "--data digits.csv --target digit --layers 128,64 --epochs 30 --validation-split 0.2 --db real.db"
    )
    #expect(accuracy >= 95)
    for question in ["vanishing", "exploding", "nonfinite"] {
      #expect(try rows(place, question).isEmpty, "\(question)")
    }
    #expect(
      try place.gradlog(
        "sql", "SELECT count(*) AS n, count(values_blob) AS v FROM gradients", "--db", "real.db"
      ).output == "n,v\r\n8100,8100\r\n")
  }

  @Test func theOtherTablesTrainAndAreCalledNeither() throws {
    let place = try Workplace()
    let accuracy = try train(
      place,
      "--data breast_cancer.csv --target benign --standardize --layers 16 --epochs 20 --validation-split 0.2 --db real.db"
    )
    #expect(accuracy >= 93)
    try train(
      place,
      "--data diabetes.csv --target progression --standardize --layers 32 --epochs 30 --db real.db")
    for question in ["vanishing", "exploding", "nonfinite"] {
      #expect(try rows(place, question).isEmpty, "\(question)")
    }
  }

  @Test(arguments: ["sgd", "adam"])
  func aDeepSigmoidNetworkVanishesAtItsFirstLayers(optimizer: String) throws {
    let place = try Workplace()
    try train(
      place,
      "--data breast_cancer.csv --target benign --standardize --activation sigmoid --epochs 2 "
        + "--layers 16,16,16,16,16,16,16,16,16,16 --optimizer \(optimizer) --db real.db")
    let accused = Set(try rows(place, "vanishing").compactMap { $0["weight"] })
    #expect(accused.contains("dense_0/kernel"))
    #expect(accused.contains("dense_1/kernel"))
    #expect(!accused.contains("dense_9/kernel"))
    #expect(!accused.contains("dense_10/kernel"))
    #expect(try rows(place, "exploding").isEmpty)
  }

  @Test func aHugeLearningRateExplodesFromTheFirstJumpOn() throws {
    let place = try Workplace()
    try train(
      place,
      "--data diabetes.csv --target progression --standardize --layers 16 --optimizer sgd "
        + "--learning-rate 10 --epochs 2 --db real.db")
    // The first batch in which a kernel's gradient is ten times what it ever was, or not finite.
    let jump = try place.gradlog(
      "sql",
      """
      WITH kernels AS (
        SELECT step, norm, nan_count + posinf_count + neginf_count AS bad,
          max(norm) OVER (PARTITION BY weight ORDER BY step
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM gradients WHERE shape LIKE '%,%')
      SELECT min(step) AS step FROM kernels WHERE norm > 10 * before OR bad > 0
      """, "--db", "real.db"
    ).output.split(separator: "\r\n").last.flatMap { Int($0) }
    let first = try (rows(place, "exploding") + rows(place, "nonfinite"))
      .filter { $0["first_epoch"] == "0" }.compactMap { $0["first_batch"].flatMap { Int($0) } }
      .min()
    #expect(jump != nil && first == jump)
  }

  @Test func theShellAndTheCommandAgreeCellByCell() throws {
    let place = try Workplace()
    try train(
      place,
      "--data breast_cancer.csv --target benign --standardize --activation sigmoid --epochs 1 "
        + "--layers 16,16,16,16,16,16,16,16,16,16 --db real.db")
    for question in ["vanishing", "by-depth", "exploding", "weights"] {
      let shell = try place.shell(
        "sqlite3 -csv -header real.db < \(Workplace.repository)/queries/\(question).sql")
      let command = try place.gradlog("query", question, "--db", "real.db", "--format", "csv")
      let cells = [shell, command].map { outcome in
        outcome.output.split(whereSeparator: \.isNewline).map { line in
          line.components(separatedBy: ",").map { $0.trimmingCharacters(in: ["\""]) }
        }
      }
      #expect(shell.code == 0 && shell.talk == "")
      // Of no row the shell prints not even the names of the columns.
      if !cells[0].isEmpty {
        #expect(cells[0].map(\.count) == cells[1].map(\.count), "\(question)")
        for (one, other) in zip(cells[0].joined(), cells[1].joined()) {
          #expect(agree(one, other), "\(question): \(one), \(other)")
        }
      }
      #expect(question == "exploding" || cells[0].count > 1)
    }
  }

  /// The shell prints 15 significant digits, the command as many as read back exactly.
  private func agree(_ shell: String, _ command: String) -> Bool {
    guard shell != command else { return true }
    guard let one = Double(shell), let other = Double(command) else { return false }
    return abs(one - other) <= 1e-14 * abs(other)
  }
}
