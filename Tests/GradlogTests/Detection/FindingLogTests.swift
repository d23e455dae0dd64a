import Testing

@testable import Gradlog

@Suite struct FindingLogTests {
  private func place(_ step: Int) -> BatchPlace {
    var place = BatchPlace(batchID: Int64(step) + 1, epoch: 0, batch: step, step: step)
    place.ordinal = step
    return place
  }

  private func hit(
    _ severity: Rule.Severity, value: Double = 1, rule: Rule = .exploding, since: Int? = nil,
    symptom: Symptom = .spike, isRevised: Bool = false
  ) -> Hit {
    Hit(
      rule: rule, severity: severity, weight: 0, since: since.map(place), value: value,
      threshold: 1,
      symptom: symptom, isRevised: isRevised)
  }

  @Test func aFindingGoesFromItsFirstBatchToItsLast() {
    var log = FindingLog()
    log.note(hit(.warning, value: 3, since: 4), at: place(6))
    log.note(hit(.warning, value: 2), at: place(9))
    #expect(log.findings.count == 1)
    let finding = log.findings[0]
    #expect(finding.first == place(4) && finding.last == place(9))
    // Three that led to it, and one more.
    #expect(finding.batchCount == 4 && finding.value == 3)
  }

  @Test func whatOneOptimizerShowsIsNotTheOthers() {
    var log = FindingLog()
    log.note(hit(.critical), at: place(0))
    log.optimizer = 1
    log.note(hit(.warning), at: place(1))
    #expect(log.takeNews().map(\.optimizer) == [0, 1])
    log.note(hit(.critical, rule: .dead), at: place(2))
    log.escalate(.exploding, ifFollowedBy: .dead, within: 5)
    #expect(log.findings.map(\.severity) == [.critical, .critical, .critical])
    log.end(.exploding, weight: 0)
    #expect(log.findings.map(\.isOver) == [false, true, false])
    log.soften()
    #expect(log.findings.map(\.severity) == [.critical, .warning, .warning])
    log.optimizer = 0
    log.revise(.exploding, weight: 0, to: .warning, showing: .spike)
    log.revise(.dead, weight: 0, to: .info, showing: .spike)
    #expect(log.findings.map(\.severity) == [.warning, .warning, .warning])
    #expect(log.findings.map(\.batchCount) == [1, 1, 1])
  }

  @Test func twoSymptomsInABatchAreOneBatch() {
    var log = FindingLog()
    for step in 0..<5 {
      log.note(hit(.warning), at: place(step))
      log.note(hit(.critical, symptom: .size), at: place(step))
      log.note(hit(.warning), at: place(step))
    }
    #expect(log.findings.map(\.batchCount) == [5])
    #expect(log.findings.map(\.severity) == [.critical])
  }

  @Test func theWorstValueIsKept() {
    let symptoms: [(Rule, Symptom)] = [
      (.exploding, .spike), (.vanishing, .depth), (.vanishing, .tiny), (.stagnation, .flatLoss),
      (.stagnation, .identical), (.stagnation, .stall), (.oscillation, .turning),
      (.underflow, .underflow), (.underflow, .silence), (.absent, .held), (.noiseScale, .noise),
    ]
    for (rule, symptom) in symptoms {
      var log = FindingLog()
      for (step, value) in [5, 9, 1, 7].enumerated() {
        log.note(hit(.warning, value: Double(value), rule: rule, symptom: symptom), at: place(step))
      }
      let isSmallest = [.depth, .tiny, .stall, .turning, .silence].contains(symptom)
      // Of an estimate the last value counts.
      let worst: Double = isSmallest ? 1 : rule == .noiseScale ? 7 : 9
      #expect(log.findings[0].value == worst, "\(symptom)")
      // Worse in severity is worse whatever the value.
      log.note(hit(.critical, value: 6, rule: rule, symptom: .size), at: place(4))
      #expect(log.findings[0].value == 6 && log.findings[0].symptom == .size)
    }
  }

  @Test func isToldOnceAndAgainWhenItIsWorseThanEver() {
    var log = FindingLog()
    func told(_ severities: Rule.Severity..., at step: Int) -> [Rule.Severity] {
      for severity in severities { log.note(hit(severity, isRevised: true), at: place(step)) }
      return log.takeNews().map(\.severity)
    }
    #expect(told(.info, at: 0) == [.info])
    #expect(told(.info, at: 1) == [])
    #expect(told(.warning, .critical, at: 2) == [.critical])
    // What flickers is no news.
    for step in 3..<9 { #expect(told(step % 2 == 0 ? .critical : .warning, at: step) == []) }
    #expect(log.takeNews().isEmpty)
  }

  @Test func whatIsMadeMilderInTheSameBatchIsToldAsSuch() {
    var log = FindingLog()
    for step in 0..<4 {
      log.note(hit(.critical), at: place(step))
      log.soften()
      #expect(log.takeNews().map(\.severity) == (step == 0 ? [.warning] : []))
    }
    log.note(hit(.critical), at: place(4))
    #expect(log.takeNews().map(\.severity) == [.critical])
  }

  @Test func changesAreTakenOnce() {
    var log = FindingLog()
    log.note(hit(.warning), at: place(0))
    log.note(hit(.critical, rule: .dead), at: place(0))
    #expect(log.takeChanged().map(\.rule) == [.exploding, .dead])
    #expect(log.takeChanged() == [])
    log.note(hit(.critical, rule: .dead), at: place(1))
    #expect(log.takeChanged().map(\.batchCount) == [2])
  }

  @Test func whatIsOverIsAWarningUntilItComesBack() {
    var log = FindingLog()
    log.note(hit(.critical, rule: .oscillation, symptom: .turning), at: place(0))
    log.end(.oscillation, weight: 0, showing: .flatLoss)
    #expect(!log.findings[0].isOver)
    log.end(.oscillation, weight: 0, showing: .turning)
    #expect(log.findings[0].isOver && log.findings[0].severity == .warning)
    log.note(hit(.critical, rule: .oscillation, symptom: .turning), at: place(1))
    #expect(!log.findings[0].isOver && log.findings[0].severity == .critical)
    // None of that weight or rule.
    log.end(.oscillation, weight: 1, showing: .turning)
    log.end(.dead, weight: 0, showing: .turning)
    #expect(log.findings.count == 1)
  }

  @Test(arguments: [(20, true), (21, false), (-1, false)])
  func aJumpBeforeADeathIsCritical(later: Int, isCritical: Bool) {
    var log = FindingLog()
    log.note(hit(.warning), at: place(30))
    log.note(hit(.critical, rule: .dead, since: 30 + later, symptom: .allZero), at: place(60))
    log.escalate(.exploding, ifFollowedBy: .dead, within: 20)
    #expect(log.findings[0].severity == (isCritical ? .critical : .warning))
  }
}
