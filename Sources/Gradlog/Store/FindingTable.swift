internal import GRDB

/// The rows of `findings` of one run.
struct FindingTable {
  private struct Key: Hashable {
    let rule: String
    let weightID: Int64?
    let optimizer: String
  }

  /// What a run that is resumed said before, when its detectors began anew: the rows go on.
  private struct Earlier {
    let firstBatchID: Int64
    let batchCount: Int
    let severity: Rule.Severity
  }

  /// A finding and its row.
  private struct Entry {
    var finding: Finding
    let optimizer: String
    /// The key of its row; nil when there is none.
    var findingID: Int64?
    /// What its row says; nil when that is not known.
    var written: Finding?
    var earlier: Earlier?
    var isChanged = true
  }

  private let db: Database
  private let runID: Int64
  private var earlier: [Key: Earlier] = [:]
  /// The keys of the rows that the file held when it was looked at last.
  private var findingIDs: [Key: Int64] = [:]
  private var entries: [Entry] = []
  private var places: [FindingLog.Key: Int] = [:]
  /// Those of ``entries`` that are to be written.
  private var changed: [Int] = []
  /// Whether ``entries`` are everything that is to be said of the run.
  private var isWhole = false
  private let insertion: RowStatement
  private let update: RowStatement
  private let continuation: RowStatement

  init(run runID: Int64, in db: Database) throws {
    self.db = db
    self.runID = runID
    insertion = try RowStatement(
      into: "findings",
      columns: [
        "run_id", "weight_id", "rule", "optimizer", "first_batch_id", "severity", "last_batch_id",
        "batch_count",
        "value", "baseline", "threshold", "evidence", "advice",
      ], in: db)
    update = try RowStatement(
      """
      UPDATE findings SET first_batch_id = ?, severity = ?, last_batch_id = ?, batch_count = ?,
        value = ?, baseline = ?, threshold = ?, evidence = ?, advice = ? WHERE finding_id = ?
      """, in: db)
    continuation = try RowStatement(
      "UPDATE findings SET last_batch_id = ?, batch_count = ? WHERE finding_id = ?", in: db)
    for row in try rows() {
      findingIDs[row.key] = row.findingID
      earlier[row.key] = row.saying
    }
  }

  /// To be called when the findings that are taken from now on, and those already taken, are about all that the run
  /// holds: what its rows say besides goes.
  mutating func goOn() {
    isWhole = true
    earlier.removeAll()
    for place in entries.indices { entries[place].earlier = nil }
  }

  /// Learns again which rows there are and what the run said before, since batches were cut off.
  mutating func reloadAfterCut() throws {
    try reload()
    guard !isWhole else { return }
    earlier.removeAll()
    for row in try rows() { earlier[row.key] = row.saying }
  }

  /// Learns again which rows there are. To be called when a transaction was rolled back.
  mutating func reload() throws {
    findingIDs.removeAll()
    for row in try rows() { findingIDs[row.key] = row.findingID }
    changed = Array(entries.indices)
    for index in changed {
      entries[index].findingID = nil
      entries[index].written = nil
      entries[index].isChanged = true
    }
  }

  private func rows() throws -> [(key: Key, findingID: Int64, saying: Earlier)] {
    let rows = try PreparedStatement(
      """
      SELECT finding_id, rule, weight_id, optimizer, first_batch_id, batch_count, severity
      FROM findings WHERE run_id = :run
      """, on: db)
    try rows.bind(runID, to: "run")
    var found: [(key: Key, findingID: Int64, saying: Earlier)] = []
    while try rows.step() {
      // Labels may contain anything, a NUL too.
      let key = Key(
        rule: rows.text(at: 1) ?? "", weightID: rows.isNull(at: 2) ? nil : rows.integer(at: 2),
        optimizer: rows.text(at: 3) ?? "")
      let earlier = Earlier(
        firstBatchID: rows.integer(at: 4), batchCount: Bounds.bounded(rows.integer(at: 5)),
        severity: rows.text(at: 6).flatMap(Rule.Severity.init(rawValue:)) ?? .info)
      found.append((key, rows.integer(at: 0), earlier))
    }
    return found
  }

  /// Takes what a finding of an optimizer says now, to be written with ``write(_:_:)``.
  mutating func take(_ finding: Finding, of optimizer: String) {
    let key = FindingLog.Key(finding)
    guard let place = places[key] else {
      places[key] = entries.count
      changed.append(entries.count)
      entries.append(Entry(finding: finding, optimizer: optimizer))
      return
    }
    entries[place].finding = finding
    if !entries[place].isChanged {
      entries[place].isChanged = true
      changed.append(place)
    }
  }

  /// Writes the findings that changed, each in place of what it said before, unless that was worse. What is about a
  /// weight or about batches of which the file holds none yet waits.
  mutating func write(_ weights: WeightTable, _ keys: BatchKeys) throws {
    var waiting: [Int] = []
    for place in changed {
      if try write(&entries[place], weights, keys) {
        entries[place].isChanged = false
      } else {
        waiting.append(place)
      }
    }
    changed = waiting
    if isWhole { try deleteOthers() }
  }

  /// Deletes the rows that say what is not so, once.
  private mutating func deleteOthers() throws {
    guard !findingIDs.isEmpty else { return }
    let own = Set(entries.compactMap(\.findingID))
    for findingID in findingIDs.values where !own.contains(findingID) {
      try db.execute(sql: "DELETE FROM findings WHERE finding_id = ?", arguments: [findingID])
    }
    findingIDs.removeAll()
  }

  /// Returns whether it could be written.
  private func write(
    _ entry: inout Entry, _ weights: WeightTable, _ keys: BatchKeys
  ) throws -> Bool {
    let finding = entry.finding
    let weight = finding.weight.flatMap(weights.weight)
    guard finding.weight == nil || weight != nil else { return false }
    if entry.findingID == nil {
      let key = Key(
        rule: finding.rule.rawValue, weightID: weight?.id, optimizer: entry.optimizer)
      entry.findingID = findingIDs[key]
      entry.earlier = earlier[key]
    }
    guard let place = Self.place(of: finding, entry.earlier, keys) else { return false }
    if let findingID = entry.findingID {
      try rewrite(entry, findingID, place, name: weight?.name)
    } else {
      try insert(entry, weight, place)
      entry.findingID = db.lastInsertedRowID
    }
    entry.written = finding
    return true
  }

  /// The first and the last batch; those that are lost are stood for by the next or the last that the file holds.
  private static func place(
    of finding: Finding, _ earlier: Earlier?, _ keys: BatchKeys
  ) -> (first: Int64, last: Int64)? {
    guard
      let first = earlier?.firstBatchID ?? keys.first(from: finding.first.batchID)
        ?? keys.last(upTo: finding.first.batchID)
    else { return nil }
    return (first, max(first, keys.last(upTo: finding.last.batchID) ?? first))
  }

  private func insert(
    _ entry: Entry, _ weight: (id: Int64, name: String)?, _ place: (first: Int64, last: Int64)
  ) throws {
    let finding = entry.finding
    try insertion.run { row in
      row.bind(runID)
      row.bind(weight?.id)
      row.bind(finding.rule.rawValue)
      row.bind(entry.optimizer)
      row.bind(place.first)
      row.bind(finding.severity.rawValue)
      row.bind(place.last)
      row.bind(finding.batchCount)
      row.bind(finding, of: weight?.name)
    }
  }

  private func rewrite(
    _ entry: Entry, _ findingID: Int64, _ place: (first: Int64, last: Int64), name: String?
  ) throws {
    let finding = entry.finding
    let count = finding.batchCount + (entry.earlier?.batchCount ?? 0)
    let isMilder = entry.earlier.map { $0.severity > finding.severity } ?? false
    if isMilder || entry.written?.saysTheSame(as: finding) ?? false {
      return try continuation.run { row in
        row.bind(place.last)
        row.bind(count)
        row.bind(findingID)
      }
    }
    try update.run { row in
      row.bind(place.first)
      row.bind(finding.severity.rawValue)
      row.bind(place.last)
      row.bind(count)
      row.bind(finding, of: name)
      row.bind(findingID)
    }
  }
}

extension BoundRow {
  /// Binds the columns from `value` to `advice`.
  fileprivate mutating func bind(_ finding: Finding, of weight: String?) {
    bind(finding.value)
    bind(finding.baseline)
    bind(finding.threshold)
    bind(finding.evidence(of: weight))
    bind(finding.advice(of: weight))
  }
}

extension Finding {
  /// Whether only the last batch and the number of batches differ.
  fileprivate func saysTheSame(as other: Finding) -> Bool {
    var other = other
    other.last = last
    other.batchCount = batchCount
    return self == other
  }
}
