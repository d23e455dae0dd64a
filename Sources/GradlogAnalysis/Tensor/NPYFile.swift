internal import Gradlog

/// A tensor in numpy's own format, version 1.0, read by `numpy.load`.
///
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
enum NPYFile {
  /// The bytes of the file; a bfloat16 tensor, which numpy lacks, becomes float32.
  static func bytes(of values: [UInt8], type: DType, shape: [Int]) -> [UInt8] {
    guard type == .bfloat16 else { return header(type, shape) + values }
    var widened = header(.float32, shape)
    widened.reserveCapacity(widened.count + values.count * 2)
    for offset in stride(from: 0, to: values.count - 1, by: 2) {
      widened += [0, 0, values[offset], values[offset + 1]]
    }
    return widened
  }

  private static func header(_ type: DType, _ shape: [Int]) -> [UInt8] {
    let descriptor =
      switch type {
      case .float16: "<f2"
      case .float32, .bfloat16: "<f4"
      case .float64: "<f8"
      }
    // A tuple of one element ends with a comma in Python.
    let tuple = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(tuple)), }"
    let preamble = 10
    // The data begin at a multiple of 64 bytes, and a line feed ends the header.
    let padding = 63 - (preamble + text.utf8.count) % 64
    text += String(repeating: " ", count: padding) + "\n"
    let length = UInt16(text.utf8.count)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
      + Array(text.utf8)
  }
}
