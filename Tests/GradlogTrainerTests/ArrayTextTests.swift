import Foundation
import Gradlog
import Testing

/// `ArrayText` against what numpy printed; see Reference/generate_array_text.py.
struct ArrayTextTests {
  struct Golden: CustomTestStringConvertible {
    let name: String
    let type: String
    let shape: [Int]
    let bits: [UInt64]
    let text: String

    var testDescription: String { name }

    static let all: [Golden] = {
      guard let folder = Trajectory.folder,
        let text = try? String(
          contentsOf: folder.appendingPathComponent("array-text.golden"), encoding: .utf8)
      else { return [] }
      return text.dropLast().split(separator: "# ").map { part in
        let lines = part.split(separator: "\n", omittingEmptySubsequences: false)
        let printed = lines.dropFirst(4).joined(separator: "\n")
        return Golden(
          name: String(lines[0]), type: String(lines[1]),
          shape: lines[2].split(separator: " ").compactMap { Int($0) },
          bits: lines[3].split(separator: " ").compactMap { UInt64($0, radix: 16) },
          // A line feed stands between the text and the next header.
          text: printed.hasSuffix("\n") ? String(printed.dropLast()) : printed)
      }
    }()
  }

  @Test func goldensAreThere() {
    #expect(Golden.all.count == 55)
  }

  @Test(arguments: Golden.all)
  func printsAsNumpy(_ golden: Golden) throws {
    let text =
      golden.type == "float32"
      ? try ArrayText.describe(
        golden.bits.map { Float(bitPattern: UInt32($0)) }, shape: golden.shape)
      : try ArrayText.describe(golden.bits.map(Double.init(bitPattern:)), shape: golden.shape)
    #expect(text == golden.text)
  }

  @Test func refusesAShapeThatDoesNotFit() {
    let error = #expect(throws: GradlogError.self) {
      try ArrayText.describe([1, 2, 3] as [Float], shape: [2, 2])
    }
    #expect(
      error?.description
        == "3 values cannot have shape [2, 2]; pass as many values as the product of the shape")
  }
}
