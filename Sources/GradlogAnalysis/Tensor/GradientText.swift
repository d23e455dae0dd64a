internal import Gradlog

/// One gradient as a person reads it, in 80 columns.
struct GradientText {
  private let gradient: Gradient

  init(_ gradient: Gradient) {
    self.gradient = gradient
  }

  func write(showsAll: Bool, to output: ByteOutput) {
    for line in heading + [""] + statistics + histogram { output.append(line + "\n") }
    output.append("\n" + values(showsAll: showsAll) + "\n")
  }

  private var heading: [String] {
    var place = "run \(text("run"))"
    if gradient["rank"].integer != 0 { place += ", rank \(text("rank"))" }
    place += ", epoch \(text("epoch")), batch \(text("batch")), step \(text("step"))"
    var conditions = ["stage \(text("stage"))"]
    if gradient["loss_is_nan"].integer == 1 {
      conditions.append("loss nan")
    } else if gradient["loss"] != .null {
      conditions.append("loss \(text("loss"))")
    }
    if gradient["learning_rate"] != .null {
      conditions.append("learning rate \(text("learning_rate"))")
    }
    let kind =
      gradient["dtype"] == .null
      ? "" : ": \(text("dtype")) \(text("shape")), \(text("element_count")) elements"
    return [
      "weight \(text("weight")) (position \(text("position")))\(kind)", place,
      conditions.joined(separator: ", "),
    ]
  }

  private var statistics: [String] {
    if gradient["absent"].integer == 1 {
      return ["no gradient: the weight was frozen or not used in this batch"]
    }
    let rows = [
      ["norm", "rms", "std"], ["mean", "mean_abs", "max_abs"], ["min", "max", "sum"],
      ["abs_p1", "abs_p25", "abs_median"], ["abs_p75", "abs_p95", "abs_p99"],
      ["zero_count", "zero_rows", "zero_columns"], ["nan_count", "posinf_count", "neginf_count"],
      ["finite_count", "cosine"], ["float16_underflow", "bfloat16_underflow"],
    ]
    return rows.map { names in
      let cells = names.map { name in
        let value = text(name)
        // Three cells of 24 and two gaps fit into 80 columns, whatever the numbers.
        return name + String(repeating: " ", count: max(1, 25 - name.count - value.count)) + value
      }
      return cells.joined(separator: "  ")
    }
  }

  private var histogram: [String] {
    guard gradient["absent"].integer != 1 else { return [] }
    guard let histogram = gradient.histogram else {
      return ["", "the histogram of exponents cannot be read"]
    }
    guard !histogram.counts.isEmpty else { return ["", "no finite element but zero"] }
    return ["", "elements by size of |g|:"] + histogram.drawing()
  }

  private func values(showsAll: Bool) -> String {
    let array = gradient.withElements { elements in
      elements.arrayText(shape: gradient.shape, showsAll: showsAll)
    }
    if let array {
      switch gradient.encoding {
      case .float16, .bfloat16: return "rounded to \(gradient.encoding?.rawValue ?? ""):\n\(array)"
      case .dense, .rows, nil: return array
      }
    }
    return gradient["absent"].integer == 1 ? "no values" : "the values were not captured"
  }

  private func text(_ column: String) -> String {
    DisplayText.cell(gradient[column])
  }
}
