/// `shape` of a row of `weights`: a JSON array of integers.
package enum StoredShape {
  /// The dimensions; nil for what is no shape.
  package static func dimensions(_ text: String?) -> [Int]? {
    guard let text, text.hasPrefix("["), text.hasSuffix("]"), text.utf8.count >= 2 else {
      return nil
    }
    let inside = text.dropFirst().dropLast().filter { $0 != " " }
    if inside.isEmpty { return [] }
    let numbers = inside.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let dimensions = numbers.compactMap { $0 }.filter { $0 >= 0 }
    // No framework has tensors of higher rank than 64, numpy's own limit.
    return dimensions.count == numbers.count && dimensions.count <= 64 ? dimensions : nil
  }
}
