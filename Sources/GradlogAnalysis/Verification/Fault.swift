/// One thing that is wrong in a file, and where.
public struct Fault: Sendable, Equatable {
  /// What was checked when it was found.
  public enum Check: String, Sendable, CaseIterable {
    /// The pages and indexes of the SQLite file.
    case file
    /// Tables, view and format number.
    case schema
    /// A row that another row refers to.
    case reference
    /// A row of `runs`.
    case run
    /// A row of `weights` or `freezings`.
    case weight
    /// A row of `batches` and the range of its gradients.
    case batch
    /// A row of `gradient_statistics`, as it stands.
    case gradient
    /// A row of `gradient_values`: encoding and size.
    case values
    /// Statistics that the values do not have.
    case statistics
    /// A row of `findings`.
    case finding
    /// A row of `gradient_series`.
    case series
  }

  /// Where in the recording; what is nil is not known or does not apply.
  public struct Place: Sendable, Equatable {
    /// Name of the run.
    public var run: String?
    /// Index of the process in a distributed run.
    public var rank: Int?
    /// Zero-based.
    public var epoch: Int?
    /// Zero-based, restarts in each epoch.
    public var batch: Int?
    /// Name of the weight.
    public var weight: String?
  }

  /// What was checked.
  public let check: Check
  /// Where it is.
  public let place: Place
  /// What is wrong, with the offending value; no full stop.
  public let problem: String
}

extension Fault: CustomStringConvertible {
  /// One line: `statistics: run 'mlp', epoch 0, batch 3, weight 'dense/bias': norm is 2, …`.
  public var description: String {
    let place = DisplayText.printable(place.description)
    return
      "\(check.rawValue): \(place.isEmpty ? "" : place + ": ")\(DisplayText.printable(problem))"
  }
}

extension Fault.Place: CustomStringConvertible {
  /// What is known, from the run to the weight.
  public var description: String {
    [
      run.map { "run '\($0)'" }, rank.flatMap { $0 == 0 ? nil : "rank \($0)" },
      epoch.map { "epoch \($0)" }, batch.map { "batch \($0)" }, weight.map { "weight '\($0)'" },
    ].compactMap { $0 }.joined(separator: ", ")
  }
}

/// Passes faults on and counts them.
final class FaultLog {
  private(set) var count = 0
  private let receive: (Fault) throws -> Void

  init(_ receive: @escaping (Fault) throws -> Void) {
    self.receive = receive
  }

  func add(
    _ check: Fault.Check, at place: Fault.Place = Fault.Place(), _ problem: String
  ) throws {
    count += 1
    try receive(Fault(check: check, place: place, problem: problem))
  }
}
