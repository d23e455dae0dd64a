/// The forms in which one gradient is written.
public enum GradientFormat: String, Sendable, CaseIterable {
  /// Statistics, histogram and values for a person.
  case text
  /// numpy's format; bfloat16 becomes float32.
  case npy
  /// One row for each element: its row-major index and its value.
  case csv
  /// One object: the statistics, the shape as an array, and `values`, a flat array in row-major
  /// order, null when the values were not captured.
  case json
}

extension Gradient {
  /// Writes the gradient.
  ///
  /// - Parameters:
  ///   - format: the form.
  ///   - showsAll: whether ``GradientFormat/text`` prints every value of a large tensor.
  ///   - output: where the bytes go.
  /// - Throws: ``GradlogError`` when the values are asked for and were not captured; what the output
  ///   throws.
  public func write(as format: GradientFormat, showsAll: Bool = false, to output: ByteOutput) throws
  {
    switch format {
    case .text: GradientText(self).write(showsAll: showsAll, to: output)
    case .npy:
      let (type, bytes) = try requiredValues()
      output.append(NPYFile.bytes(of: bytes, type: type, shape: shape))
    case .csv:
      _ = try requiredValues()
      var writer = CSVWriter(to: output)
      try writer.begin(columns: ["index", "value"])
      try withElements { try writer.write($0, after: []) }
    case .json: try writeJSON(to: output)
    }
    try output.flush()
  }

  private func writeJSON(to output: ByteOutput) throws {
    for (index, (name, value)) in statistics.enumerated() {
      output.append(index == 0 ? "{" : ",\n ")
      output.append(JSONText.quoted(name) + ":")
      if name == "shape", value != .null {
        output.append("[" + shape.map(String.init).joined(separator: ",") + "]")
      } else {
        JSONText.append(value, to: output)
      }
    }
    output.append(",\n \"values\":" as StaticString)
    let hasValues: Void? = try withElements { elements in
      for index in 0..<elements.count {
        output.append(index == 0 ? "[" : ",")
        JSONText.append(elements.cell(index), to: output)
        try output.flushIfFull()
      }
      output.append(elements.count == 0 ? "[]" : "]")
    }
    if hasValues == nil { output.append("null" as StaticString) }
    output.append("}\n" as StaticString)
  }
}
