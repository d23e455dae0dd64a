extension Lanes {
  /// The square roots of eight numbers of at least 0, within one unit in the last place.
  ///
  /// `squareRoot()` takes them one by one and looks at each for the sake of the C library's errno, a third
  /// of the time of a training step. This starts from the bits of the reciprocal root (Lomont, "Fast
  /// Inverse Square Root", 2003), takes three steps of Newton and one of Heron. Infinity and NaN go
  /// through; subnormal numbers are only approximated.
  @inline(__always)
  var vectorRoot: Lanes {
    let bits = unsafeBitCast(self, to: SIMD8<UInt32>.self)
    let guess = SIMD8<UInt32>(repeating: 0x5F37_59DF) &- (bits &>> 1)
    var inverse = unsafeBitCast(guess, to: Lanes.self)
    let half = self * 0.5
    // half·y first: y·y alone would overflow where the number is near 0.
    inverse *= 1.5 - (half * inverse) * inverse
    inverse *= 1.5 - (half * inverse) * inverse
    inverse *= 1.5 - (half * inverse) * inverse
    let root = self * inverse
    let corrected = root + 0.5 * inverse * (self - root * root)
    return corrected.replacing(with: self, where: self .== .infinity)
  }
}
