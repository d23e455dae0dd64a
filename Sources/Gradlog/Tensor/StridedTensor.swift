/// A borrowed tensor whose elements lie anywhere: transposed, sliced, reversed or repeated, as numpy
/// and PyTorch make them. It needs no alignment and owns nothing.
package struct StridedTensor {
  package let dtype: DType
  /// The extents, outermost first.
  package let shape: [Int]
  /// Elements in all.
  package let elementCount: Int
  /// Bytes of a contiguous copy.
  package var byteCount: Int { elementCount * dtype.byteWidth }

  private let origin: UnsafeRawPointer?
  /// The extents and strides that are left when dimensions that follow on from each other are one.
  private var dimensions: [(extent: Int, stride: Int)] = []

  /// Borrows the elements that `strides`, the bytes from one index to the next of each dimension, lead
  /// to from `origin`, the element whose indices are all 0.
  ///
  /// - Throws: ``GradlogError`` with code `invalidTensor` for an impossible shape, a size that
  ///   overflows, another number of strides than extents, or no origin.
  package init(
    dtype: DType, shape: [Int], strides: [Int], origin: UnsafeRawPointer?
  ) throws(GradlogError) {
    let elementCount = try TensorView.elementCount(of: shape)
    guard strides.count == shape.count,
      !elementCount.multipliedReportingOverflow(by: dtype.byteWidth).overflow,
      origin != nil || elementCount == 0
    else {
      throw GradlogError(
        .invalidTensor,
        "a \(dtype.rawValue) tensor of shape \(shape) cannot be read with strides \(strides)",
        remedy: "pass the address of its first element, and bytes from index to index")
    }
    self.dtype = dtype
    self.shape = shape
    self.elementCount = elementCount
    self.origin = origin
    for (extent, stride) in zip(shape, strides) where extent != 1 {
      if let outer = dimensions.last, outer.stride == stride &* extent {
        dimensions[dimensions.count - 1] = (outer.extent &* extent, stride)
      } else {
        dimensions.append((extent, stride))
      }
    }
  }

  /// Copies the elements in row-major order to ``byteCount`` bytes at `destination`.
  package func copy(to destination: UnsafeMutableRawPointer) {
    guard elementCount > 0, let origin else { return }
    var end = destination
    copy(dimensions[...], from: origin, to: &end)
  }

  private func copy(
    _ dimensions: ArraySlice<(extent: Int, stride: Int)>, from source: UnsafeRawPointer,
    to end: inout UnsafeMutableRawPointer
  ) {
    let width = dtype.byteWidth
    guard let outer = dimensions.first else {
      end.copyMemory(from: source, byteCount: width)
      end += width
      return
    }
    if dimensions.count > 1 {
      for index in 0..<outer.extent {
        copy(dimensions.dropFirst(), from: source + index * outer.stride, to: &end)
      }
    } else if outer.stride == width {
      end.copyMemory(from: source, byteCount: outer.extent * width)
      end += outer.extent * width
    } else {
      switch width {
      case 2: gather(UInt16.self, outer, source, &end)
      case 4: gather(UInt32.self, outer, source, &end)
      default: gather(UInt64.self, outer, source, &end)
      }
    }
  }

  private func gather<Bits: BitwiseCopyable>(
    _ type: Bits.Type, _ row: (extent: Int, stride: Int), _ source: UnsafeRawPointer,
    _ end: inout UnsafeMutableRawPointer
  ) {
    for index in 0..<row.extent {
      end.storeBytes(
        of: source.loadUnaligned(fromByteOffset: index &* row.stride, as: type), as: type)
      end += MemoryLayout<Bits>.size
    }
  }
}
