import Foundation

/// A weight whose gradient a stream has in each batch.
struct Weight {
  let name: String
  let shape: [Int]

  var count: Int { shape.reduce(1, *) }
}

/// The gradients that a training would hand to a recorder: every batch in memory before the clock
/// starts, so that what is measured is recording alone.
struct Stream {
  let weights: [Weight]
  let batchCount: Int
  /// Batch after batch, each the tensors one after the other.
  private let values: UnsafeBufferPointer<Float>
  /// Where each weight's tensor begins in a batch.
  private let starts: [Int]
  /// The elements of a batch.
  let batchSize: Int

  /// Reads a stream that ``write(_:to:)`` made, or the first batches of it. The memory is never
  /// given back: the process is there for one measurement.
  init(_ network: Network, from folder: String, batches limit: Int?) throws {
    weights = network.weights
    var size = 0
    starts = network.weights.map { weight in
      defer { size += weight.count }
      return size
    }
    batchSize = size
    batchCount = min(limit ?? network.batches, network.batches)
    let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: size * batchCount)
    try Self.fill(UnsafeMutableRawBufferPointer(values), from: network.file(in: folder))
    self.values = UnsafeBufferPointer(values)
  }

  /// The gradient of a weight in a batch.
  func gradient(_ weight: Int, batch: Int) -> UnsafeBufferPointer<Float> {
    let start = batch * batchSize + starts[weight]
    return UnsafeBufferPointer(rebasing: values[start..<start + weights[weight].count])
  }

  private static func fill(_ memory: UnsafeMutableRawBufferPointer, from path: String) throws {
    guard let file = fopen(path, "r") else {
      throw BenchmarkFailure("there is no stream \(path): make it with `recorder-benchmark stream`")
    }
    defer { fclose(file) }
    guard fread(memory.baseAddress, 1, memory.count, file) == memory.count else {
      throw BenchmarkFailure("\(path) is shorter than its stream: make it again")
    }
  }

  /// Writes a stream to a folder, with its weights beside it as lines of name, elements and shape.
  ///
  /// An element is normal × lognormal, as gradients are heavy-tailed, scaled by its layer (1e-6 at the
  /// input to 1e-2 at the loss) and by its batch. Four million draws serve all tensors, each of which
  /// begins at a place of its own: drawing a billion would take longer than all measurements.
  static func write(_ network: Network, to folder: String) throws {
    let lines = network.weights.map { weight in
      "\(weight.name) \(weight.count) \(weight.shape.map(String.init).joined(separator: ","))\n"
    }
    try lines.joined().write(
      toFile: "\(folder)/\(network.rawValue).weights", atomically: true, encoding: .utf8)
    let path = network.file(in: folder)
    guard let file = fopen(path, "w") else { throw BenchmarkFailure("cannot write \(path)") }
    defer { fclose(file) }
    var source = HeavyTails(seed: 20_261_123)
    var tensor: [Float] = []
    for batch in 0..<network.batches {
      let decay = 1 / (1 + 2 * Double(batch) / Double(network.batches))
      for (depth, weight) in network.weights.enumerated() {
        let scale = network.scale(ofDepth: depth) * decay
        source.fill(&tensor, count: weight.count, scale: scale)
        guard fwrite(tensor, 4, tensor.count, file) == tensor.count else {
          throw BenchmarkFailure("\(path): \(String(cString: strerror(errno)))")
        }
      }
    }
  }
}

/// A reason why there is no measurement.
struct BenchmarkFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
