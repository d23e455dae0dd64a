/// Turns tensors into the bytes that are written, with one buffer for all of them.
final class ValueEncoder {
  private let encoding: ValueEncoding
  private var rounded = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: 0)

  init(_ encoding: ValueEncoding) {
    self.encoding = encoding
  }

  deinit {
    rounded.deallocate()
  }

  /// The bytes of a tensor, valid until the next call, and how they are encoded: a type of two bytes
  /// gains nothing from another one and stays as it is.
  func encode(_ tensor: RecordedTensor) -> EncodedValues {
    switch tensor {
    case .whole(let tensor): encode(tensor)
    case .rows(let rows): EncodedValues(bytes: rows.bytes, encoding: .rows)
    }
  }

  private func encode(_ tensor: TensorView) -> EncodedValues {
    guard encoding != .dense, tensor.dtype.byteWidth > 2 else {
      return EncodedValues(bytes: tensor.bytes, encoding: .dense)
    }
    if rounded.count < tensor.elementCount {
      rounded.deallocate()
      rounded = .allocate(capacity: tensor.elementCount)
    }
    var index = 0
    tensor.forEachElement { element in
      rounded[index] =
        encoding == .float16 ? Float16(element).bitPattern : BFloat16(element).bitPattern
      index += 1
    }
    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(rounded)[..<(index * 2)])
    return EncodedValues(bytes: bytes, encoding: encoding == .float16 ? .float16 : .bfloat16)
  }
}

/// Values as they are written.
struct EncodedValues {
  let bytes: UnsafeRawBufferPointer
  let encoding: StoredEncoding
}
