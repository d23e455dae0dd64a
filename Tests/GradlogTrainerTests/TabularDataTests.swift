import Gradlog
import GradlogTrainer
import Testing

struct TabularDataTests {
  private func table(_ text: String, target: String = "t") throws -> TabularData {
    try TabularData(csv: Array(text.utf8), target: target)
  }

  @Test func quotesLineEndsAndMarksAreRead() throws {
    let text = "\u{FEFF}\"a, \"\"x\"\"\",t,b\r\n1,yes, 2\r\n\r\n\"3\",\"n\no\",4e1\r\n5,yes,-6"
    let found = try table(text)
    #expect(found.featureNames == ["a, \"x\"", "b"])
    #expect(found.task == .classification(labels: ["n\no", "yes"]))
    #expect(found.data.x == (try Matrix([[1, 2], [3, 40], [5, -6]])))
    #expect(found.data.y == (try Matrix([[1], [0], [1]])))
    #expect(found.loss == .binaryCrossentropy)
    #expect(found.outputLayer == Dense(1, activation: .sigmoid))
  }

  @Test(arguments: [
    (
      "a,t\n1,2\n3",
      "line 3: the row ends after 1 of 2 cells, before column \"t\"; add the missing cells"
    ),
    (
      "a,t\n1,2,9\n",
      "line 2: the row has 3 cells for 2 columns; \"9\" is one too many; remove it, or put quotes around a cell with a comma"
    ),
    (
      "a,t\n\"1\n\",2\nx,2\n",
      "line 2, column \"a\": \"1\n\" is not a number; write a finite number such as -1.5 or 2e3, or leave the column out"
    ),
    (
      "a,b,t\n1,2,3\n\n1,x2,3\n",
      "line 4, column \"b\": \"x2\" is not a number; write a finite number such as -1.5 or 2e3, or leave the column out"
    ),
    (
      "a,t\nnan,1\n",
      "line 2, column \"a\": \"nan\" is not a number; write a finite number such as -1.5 or 2e3, or leave the column out"
    ),
    ("a,t\n1, \n", "line 2, column \"t\": the cell is empty; fill it in or remove the row"),
    ("a,t\n\"1,2\n", "line 2: a quoted cell is never closed; add the closing quote"),
    (
      "a,t\n\"1\"x,2\n",
      "line 2: \"x\" stands behind a closing quote; double the quotes inside a quoted cell"
    ),
    ("a,a,t\n", "line 1: two columns are called \"a\"; rename one of them"),
    ("a,tt\n1,2\n", "there is no column \"t\"; did you mean \"tt\"? (the columns are a, tt)"),
    ("", "the CSV file is empty; begin it with a line of column names"),
    ("a,t\n", "the CSV file has column names and no rows; add rows below them"),
    ("t\n1\n", "\"t\" is the only column; add columns to predict it from"),
    ("a,t\n1,x\n2,x\n", "every row has \"x\" in column \"t\"; bring rows of two classes at least"),
  ])
  func badFiles(_ text: String, _ expected: String) {
    let error = #expect(throws: GradlogError.self) { try table(text) }
    #expect(error?.description == expected)
  }

  @Test(
    arguments: [
      ([3, 7, 11, 15], nil), ([0, 1, 1, 0], ["0", "1"]), ([1.5, 1.5, 2, 2], nil),
      ([10, 9, 10, 9, 2, 2], ["2", "9", "10"]), ([5, 5, 5, 5], nil),
      ((0..<42).map { Double($0 / 2) }, nil),
      ((0..<40).map { Double($0 / 2) }, (0..<20).map(String.init)),
    ] as [([Double], [String]?)])
  func classesAreInferred(_ targets: [Double], _ labels: [String]?) throws {
    let cells = targets.map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" }
    let found = try table("a,t\n" + cells.map { "0,\($0)\n" }.joined())
    #expect(found.task == labels.map { .classification(labels: $0) } ?? .regression)
  }

  @Test func aWordAmongNumbersIsAMistakeAndAmongWordsAClass() throws {
    let numbers = (0..<40).map { "\($0),\($0 == 20 ? "oops" : "\(Double($0) + 0.5)")" }
    let error = #expect(throws: GradlogError.self) {
      try TabularData(csv: Array("a,t\n\(numbers.joined(separator: "\n"))".utf8), target: "t")
    }
    #expect(error?.problem == "line 22, column \"t\": \"oops\" is not a number")
    let words = (0..<40).map { "\($0),\($0 % 3 == 0 ? "3" : "word")" }
    let table = try TabularData(
      csv: Array("a,t\n\(words.joined(separator: "\n"))".utf8), target: "t")
    #expect(table.task == .classification(labels: ["3", "word"]))
  }

  @Test func theTaskCanBeSaid() throws {
    let csv = Array("a,t\n1,0\n2,1\n3,0\n4,1\n".utf8)
    #expect(try TabularData(csv: csv, target: "t", task: .regression).task == .regression)
    let text = Array("a,t\n1,0\n2,x\n".utf8)
    let error = #expect(throws: GradlogError.self) {
      try TabularData(csv: text, target: "t", task: .regression)
    }
    #expect(
      error?.description
        == "line 3, column \"t\": \"x\" is not a number; write a finite number, or choose a crossentropy as the loss to treat it as a class"
    )
  }

  @Test func standardizingLooksAtTrainingRowsOnly() throws {
    let found = try table("a,b,t\n1,5,0.5\n3,5,1\n100,7,2.5\n-5,9,3\n")
    let x = try found.standardized(validationSplit: 0.5).data.x
    #expect(x == (try Matrix([[-1, 0], [1, 0], [98, 0], [-7, 0]])))
    #expect(try found.standardized().data.x != x)
  }

  @Test func aConstantColumnBecomesZeroWhateverRoundingSays() throws {
    let found = try table("a,t\n" + String(repeating: "0.1,0.5\n", count: 1_000))
    #expect(try found.standardized().data.x.values.allSatisfy { $0 == 0 })
  }

  @Test func oneHotRows() throws {
    let found = try table("a,t\n1,x\n2,y\n3,z\n")
    #expect(try found.oneHot().y == (try Matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1]])))
    #expect(found.loss == .sparseCategoricalCrossentropy)
    #expect(found.outputLayer == Dense(3, activation: .softmax))
  }
}

@Suite struct ShufflingTests {
  @Test func shufflingKeepsEachRowWithItsTarget() throws {
    let lines = (0..<50).map { "\($0),\($0 * 2),\(Double($0) + 0.5)" }.joined(separator: "\n")
    let table = try TabularData(csv: Array("a,b,y\n\(lines)\n".utf8), target: "y")
    let shuffled = table.shuffled(seed: 3)
    #expect(shuffled == table.shuffled(seed: 3))
    #expect(shuffled.data.y.values != table.shuffled(seed: 4).data.y.values)
    #expect(shuffled.data.y.values != table.data.y.values)
    #expect(shuffled.data.y.values.sorted() == table.data.y.values)
    for row in 0..<50 {
      let value = shuffled.data.y.values[row] - 0.5
      #expect(shuffled.data.x.values[row * 2...row * 2 + 1] == [value, value * 2])
    }
  }
}
