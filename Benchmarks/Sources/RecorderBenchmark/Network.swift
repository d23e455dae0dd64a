import ArgumentParser
import Foundation

/// The networks whose gradients are recorded.
enum Network: String, CaseIterable, ExpressibleByArgument {
  /// A dense network 10-16-8-1: 321 parameters in 6 tensors.
  case small = "S"
  /// The convolutional network of PyTorch's MNIST example: 1,199,882 parameters in 8 tensors.
  case medium = "M"
  /// ResNet-50: 25,557,032 parameters in 161 tensors.
  case large = "L"

  /// How many batches a stream has: few enough that it fits in memory.
  var batches: Int {
    switch self {
    case .small: 10_000
    case .medium: 200
    case .large: 10
    }
  }

  /// The weights from the input on.
  var weights: [Weight] {
    switch self {
    case .small:
      Self.dense("dense_0", 10, 16) + Self.dense("dense_1", 16, 8) + Self.dense("dense_2", 8, 1)
    case .medium:
      Self.convolution("conv1", 1, 32, 3, bias: true)
        + Self.convolution("conv2", 32, 64, 3, bias: true)
        + Self.linear("fc1", 9_216, 128) + Self.linear("fc2", 128, 10)
    case .large:
      Self.resNet50
    }
  }

  /// The size of the gradients of one weight: growing from the input towards the loss.
  func scale(ofDepth depth: Int) -> Double {
    // Four decades over the layers, in equal steps.
    1e-6 * pow(10, 4 * Double(depth) / Double(weights.count - 1))
  }

  /// Where the values of the stream are.
  func file(in folder: String) -> String {
    "\(folder)/\(rawValue).stream"
  }
}

extension Network {
  private static func dense(_ name: String, _ inputs: Int, _ outputs: Int) -> [Weight] {
    [
      Weight(name: "\(name)/kernel", shape: [inputs, outputs]),
      Weight(name: "\(name)/bias", shape: [outputs]),
    ]
  }

  private static func linear(_ name: String, _ inputs: Int, _ outputs: Int) -> [Weight] {
    [
      Weight(name: "\(name).weight", shape: [outputs, inputs]),
      Weight(name: "\(name).bias", shape: [outputs]),
    ]
  }

  private static func convolution(
    _ name: String, _ inputs: Int, _ outputs: Int, _ size: Int, bias: Bool = false
  ) -> [Weight] {
    let kernel = Weight(name: "\(name).weight", shape: [outputs, inputs, size, size])
    return bias ? [kernel, Weight(name: "\(name).bias", shape: [outputs])] : [kernel]
  }

  private static func normalization(_ name: String, _ channels: Int) -> [Weight] {
    [
      Weight(name: "\(name).weight", shape: [channels]),
      Weight(name: "\(name).bias", shape: [channels]),
    ]
  }

  /// As torchvision names and orders them. https://arxiv.org/abs/1512.03385
  private static var resNet50: [Weight] {
    var weights = convolution("conv1", 3, 64, 7) + normalization("bn1", 64)
    var inputs = 64
    for (stage, blocks) in [3, 4, 6, 3].enumerated() {
      let width = 64 << stage
      for block in 0..<blocks {
        let name = "layer\(stage + 1).\(block)"
        weights += convolution("\(name).conv1", inputs, width, 1)
        weights += normalization("\(name).bn1", width)
        weights += convolution("\(name).conv2", width, width, 3)
        weights += normalization("\(name).bn2", width)
        weights += convolution("\(name).conv3", width, 4 * width, 1)
        weights += normalization("\(name).bn3", 4 * width)
        if block == 0 {
          weights += convolution("\(name).downsample.0", inputs, 4 * width, 1)
          weights += normalization("\(name).downsample.1", 4 * width)
        }
        inputs = 4 * width
      }
    }
    return weights + linear("fc", inputs, 1_000)
  }
}
