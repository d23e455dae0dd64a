internal import Foundation
internal import Gradlog
internal import GradlogAnalysis

/// The depth profile of a run as bars, one line for each kernel from the input to the loss.
struct DepthChart {
  /// Empty when there are no kernels to compare.
  let lines: [String]

  private static let barWidth = 40
  private static let nameWidth = 28
  /// More than fits a screen is thinned out.
  private static let lineCount = 24

  init(_ profile: DepthProfile) {
    let sizes = profile.kernels.compactMap(\.rms).map(log10)
    guard profile.kernels.count > 1, let smallest = sizes.min(), let largest = sizes.max() else {
      lines = []
      return
    }
    // Whole decades, so that healthy networks do not look steep.
    let bottom = smallest.rounded(.down) - 1
    let span = max(largest.rounded(.up) - bottom, 3)
    lines =
      WrappedText.lines(Self.heading(of: profile))
      + Self.shown(profile.kernels).map { kernel in
        let name = Self.padded(kernel.weight.printable)
        guard let rms = kernel.rms else { return name + "  no gradient but zero" }
        let length = max(1, Int(((log10(rms) - bottom) / span * Double(Self.barWidth)).rounded()))
        return name + "  " + String(repeating: "█", count: length) + " " + rms.short
      }
  }

  private static func heading(of profile: DepthProfile) -> String {
    let place =
      switch profile.window {
      case .wholeRun: " of the run"
      case .from(let step): " from step \(step) on"
      case .upTo(let step): " up to step \(step)"
      }
    return
      "Kernels from the input to the loss, with the root mean square of the elements that are not "
      + "zero (logarithmic; median of \(profile.batches) "
      + "\(profile.batches == 1 ? "batch" : "batches")\(place)):"
  }

  /// All kernels, or some of them evenly, the first and the last among them.
  private static func shown(_ kernels: [DepthProfile.Kernel]) -> [DepthProfile.Kernel] {
    guard kernels.count > lineCount else { return kernels }
    return (0..<lineCount).map { kernels[$0 * (kernels.count - 1) / (lineCount - 1)] }
  }

  /// The end of a name tells more than its beginning.
  private static func padded(_ name: String) -> String {
    let shown = name.count > nameWidth ? "…" + name.suffix(nameWidth - 1) : name
    return shown + String(repeating: " ", count: max(0, nameWidth - DisplayText.width(shown)))
  }
}
