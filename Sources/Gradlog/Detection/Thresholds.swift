/// The numbers in the detectors that were found by calibration (docs/Diagnosis.md), each of which can be changed.
package struct Thresholds: Sendable, Equatable {
  var learnedShare = 0.7
  var nonFiniteScaledPatience = 20.0
  var explodingOnset = 5.0
  var explodingSpike = 16.0
  var explodingGrowth = 20.0
  var explodingFactor = 100.0
  var explodingPatience = 20.0
  var explodingRelapse = 0.5
  var explodingLoss = 3.0
  var explodingLossPatience = 12.0
  var explodingAftermath = 20.0
  var explodingNorm = 1e10
  var explodingFirstSize = 10.0
  var vanishingDrop = 2.0
  var vanishingCriticalDrop = 3.5
  var vanishingSize = 1e-3
  var vanishingTiny = 1e-8
  var vanishingFall = 0.1
  var vanishingPatience = 20.0
  var deadShare = 0.5
  var deadCriticalShare = 0.8
  var stagnationPatience = 10.0
  var stagnationBatches = 60.0
  var stagnationFall = 0.02
  var stagnationLongBatches = 150.0
  var stagnationLongFall = 0.1
  var stagnationErrors = 2.5
  var oscillationCosine = -0.2
  var oscillationCriticalCosine = -0.45
  var oscillationPatience = 20.0
  var underflowShare = 0.4
  var underflowQuanta = 10.0
  var underflowLoss = 1e-3
  var underflowPatience = 10.0
  var absentPatience = 20.0
  var absentShare = 0.25
  var accumulatingPatience = 4.0
  var accumulatingCosine = 0.95
  var accumulatingVariation = 0.6
  var accumulatingCalm = 0.2
  var accumulatingGrowth = 1.5
  var accumulatingShare = 0.4
  var accumulatingGrowthCosine = 0.85
  var noiseScaleBatches = 50.0

  /// The calibrated ones.
  package init() {}
}
