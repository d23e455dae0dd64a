internal import Gradlog

extension JSONNode {
  /// Nested lists of numbers of one depth: its shape and the values row by row.
  ///
  /// - Throws: `invalidData` naming the element that is no number or the list of another length.
  func tensor() throws(GradlogError) -> Tensor {
    var shape: [Int] = []
    var level = value
    while case .array(let elements) = level {
      shape.append(elements.count)
      level = elements.first ?? .null
    }
    var values: [Float] = []
    try collect(shape[...], into: &values)
    return Tensor(shape: shape, values: values)
  }

  private func collect(
    _ shape: ArraySlice<Int>, into values: inout [Float]
  ) throws(GradlogError) {
    guard let length = shape.first else {
      values.append(Float(try number()))
      return
    }
    guard case .array(let elements) = value else {
      throw failure("where the values before it are lists", remedy: "write a list of \(length)")
    }
    guard elements.count == length else {
      throw failure(
        "where the lists before it have \(length) elements", remedy: "give it \(length) elements")
    }
    for (index, element) in elements.enumerated() {
      // The common case, without building a path for every number.
      if shape.count == 1, case .number(let number) = element {
        values.append(Float(number))
      } else {
        try JSONNode(value: element, path: "\(path)[\(index)]")
          .collect(shape.dropFirst(), into: &values)
      }
    }
  }
}

/// Numbers with their shape, as a description gives them.
struct Tensor: Sendable, Equatable {
  let shape: [Int]
  /// Row by row.
  let values: [Float]
}
