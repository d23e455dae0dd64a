internal import CGradlog
internal import Glibc
internal import Gradlog

/// The findings of a recorder, as C reads them: each lives as long as this does.
final class FindingStrings: Sendable {
  private struct Addresses: @unchecked Sendable {
    var findings: [UnsafeMutablePointer<gradlog_finding>] = []
  }

  private let addresses = Monitor(Addresses())

  deinit {
    for finding in addresses.withLock({ $0.findings }) {
      for string in [
        finding.pointee.rule, finding.pointee.severity, finding.pointee.weight,
        finding.pointee.advice, finding.pointee.evidence,
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

  func append(_ finding: LiveFinding) -> UnsafePointer<gradlog_finding> {
    let pointer = UnsafeMutablePointer<gradlog_finding>.allocate(capacity: 1)
    pointer.initialize(
      to: gradlog_finding(
        rule: strdup(finding.rule.rawValue), severity: strdup(finding.severity.rawValue),
        weight: strdup(finding.weight ?? ""), advice: strdup(finding.advice),
        epoch: Int64(finding.epoch), batch: Int64(finding.batch), step: Int64(finding.step),
        value: finding.value, threshold: finding.threshold, baseline: finding.baseline ?? .nan,
        evidence: strdup(finding.evidence)))
    addresses.withLock { $0.findings.append(pointer) }
    return UnsafePointer(pointer)
  }

  /// Where this finding is; nil when it has not arrived.
  func address(of finding: LiveFinding) -> UnsafePointer<gradlog_finding>? {
    addresses.withLock { addresses in
      addresses.findings.first {
        String(cString: $0.pointee.rule) == finding.rule.rawValue
          && String(cString: $0.pointee.severity) == finding.severity.rawValue
          && String(cString: $0.pointee.weight) == finding.weight ?? ""
      }.map { UnsafePointer($0) }
    }
  }
}
