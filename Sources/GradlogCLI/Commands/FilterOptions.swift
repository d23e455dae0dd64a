internal import ArgumentParser
internal import GradlogAnalysis

/// Which part of a recording a command reads.
struct FilterOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Only this run.", valueName: "name"))
  var run: String?

  @Option(help: ArgumentHelp("Only weights that match, as in 'dense_*/kernel'.", valueName: "glob"))
  var weight: String?

  @Option(
    // A negative number is then told for what it is, not taken for an option.
    parsing: .unconditional,
    help: ArgumentHelp("Only these epochs: 3, 3..7, 3.. or ..7.", valueName: "a..b"),
    transform: EpochRange.init)
  var epoch: EpochRange?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("At most so many rows.", valueName: "count"))
  var limit: Int?

  func validate() throws {
    if let limit, limit < 1 {
      throw ValidationError("--limit is \(limit); give the number of rows, 1 or more.")
    }
  }

  var filter: RowFilter {
    var filter = RowFilter()
    filter.run = run
    filter.weight = weight
    filter.firstEpoch = epoch?.first
    filter.lastEpoch = epoch?.last
    filter.limit = limit
    return filter
  }
}

/// `3`, `3..7`, `3..` or `..7`; both ends are included.
struct EpochRange: Equatable {
  let first: Int?
  let last: Int?

  init(_ argument: String) throws {
    let ends = argument.split(separator: "..", maxSplits: 1, omittingEmptySubsequences: false)
    let numbers = ends.map { Int($0) }
    guard zip(ends, numbers).allSatisfy({ end, number in end.isEmpty || number != nil }),
      numbers.contains(where: { $0 != nil })
    else { throw ValidationError("write 3, 3..7, 3.. or ..7") }
    guard numbers.allSatisfy({ $0 ?? 0 >= 0 }) else {
      throw ValidationError("epochs are counted from 0")
    }
    first = numbers[0]
    last = ends.count == 1 ? numbers[0] : numbers[1]
    if let first, let last, first > last {
      throw ValidationError("the first epoch is after the last")
    }
  }
}
