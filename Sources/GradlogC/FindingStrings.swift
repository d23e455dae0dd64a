internal import CGradlog
internal import Glibc
internal import Gradlog

/// The findings of a recorder, as C reads them: each lives as long as this does.
///
/// They are those of ``GradientRecorder/findings``, as far as anybody asked or was called.
final class FindingStrings: Sendable {
  private struct Addresses: @unchecked Sendable {
    var findings: [UnsafeMutablePointer<gradlog_finding>] = []
    /// How many of them the callback was called with.
    var heardCount = 0
  }

  private let addresses = Monitor(Addresses())

  deinit {
    for finding in addresses.withLock({ $0.findings }) {
      for string in [
        finding.pointee.rule, finding.pointee.severity, finding.pointee.weight,
        finding.pointee.advice, finding.pointee.evidence, finding.pointee.optimizer,
      ] {
        free(UnsafeMutablePointer(mutating: string))
      }
      finding.deallocate()
    }
  }

  var count: Int { addresses.withLock { $0.findings.count } }

  /// The finding of an index; nil when there is none.
  subscript(index: Int) -> UnsafePointer<gradlog_finding>? {
    addresses.withLock { addresses in
      addresses.findings.indices.contains(index) ? UnsafePointer(addresses.findings[index]) : nil
    }
  }

  /// Takes those of the findings so far that are not here yet.
  func take(_ findings: [LiveFinding]) {
    addresses.withLock { addresses in
      for finding in findings.dropFirst(addresses.findings.count) {
        addresses.findings.append(Self.copy(of: finding))
      }
    }
  }

  /// Where the finding is with which the callback is called next, in the order of all findings.
  func addressOfNextHeard(_ finding: LiveFinding) -> UnsafePointer<gradlog_finding> {
    addresses.withLock { addresses in
      let index = addresses.heardCount
      addresses.heardCount += 1
      if index == addresses.findings.count { addresses.findings.append(Self.copy(of: finding)) }
      return UnsafePointer(addresses.findings[index])
    }
  }

  private static func copy(of finding: LiveFinding) -> UnsafeMutablePointer<gradlog_finding> {
    let pointer = UnsafeMutablePointer<gradlog_finding>.allocate(capacity: 1)
    pointer.initialize(
      to: gradlog_finding(
        rule: strdup(finding.rule.rawValue), severity: strdup(finding.severity.rawValue),
        weight: strdup(finding.weight ?? ""), advice: strdup(finding.advice),
        epoch: Int64(finding.epoch), batch: Int64(finding.batch), step: Int64(finding.step),
        value: finding.value, threshold: finding.threshold, baseline: finding.baseline ?? .nan,
        evidence: strdup(finding.evidence), optimizer: strdup(finding.optimizer)))
    return pointer
  }

  /// Where this finding is; nil when it was not taken.
  func address(of finding: LiveFinding) -> UnsafePointer<gradlog_finding>? {
    addresses.withLock { addresses in
      addresses.findings.first {
        String(cString: $0.pointee.rule) == finding.rule.rawValue
          && String(cString: $0.pointee.severity) == finding.severity.rawValue
          && String(cString: $0.pointee.weight) == finding.weight ?? ""
          && String(cString: $0.pointee.optimizer) == finding.optimizer
      }.map { UnsafePointer($0) }
    }
  }
}
