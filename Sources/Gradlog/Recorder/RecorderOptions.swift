internal import Foundation

extension GradientRecorder {
  /// How a recorder records. Every property has a default that suits one process on one machine.
  public struct Options: Sendable {
    /// What happens when the run already holds a batch that is recorded again.
    public enum Overlap: Sendable {
      /// It is refused and counted as lost. The default.
      case refuse
      /// What the run holds from that batch on is deleted first: for a training that goes on from a
      /// checkpoint.
      case replace
    }

    /// What happens when the disk is slower than the training and the memory is used up.
    public enum Overflow: Sendable {
      /// The training waits; nothing is lost. The default.
      case wait
      /// The batch is dropped and counted.
      case drop
    }

    /// How the file is kept sound while it is written.
    public enum Journal: String, Sendable, CaseIterable {
      /// A write-ahead log: readers see each commit at once, and neither wait nor make anyone wait. The
      /// default.
      case wal
      /// A rollback journal: large values are written once instead of twice, and a reader may have to
      /// wait for the recorder, or the recorder for a reader. For recordings that nobody watches.
      case rollback
    }

    /// Which gradient is handed in; written into the file. Raw by default.
    public var stage = GradientStage.raw
    /// Whose values are kept, and when; everything by default.
    public var capture = CapturePlan.everything
    /// What happens to batches that the run already holds.
    public var overlap = Overlap.refuse
    /// Index of this process in a distributed run; 0 by default.
    public var rank = 0
    /// Processes of the distributed run; 1 by default.
    public var worldSize = 1
    /// Who trains, "keras 3.15.1 tensorflow" for instance; nil by default.
    public var framework: String?
    /// A JSON object that describes the run; empty by default.
    public var configuration = "{}"
    /// What happens when `memoryLimit` is reached.
    public var overflow = Overflow.wait
    /// Bytes that may wait to be written, 256 MiB by default. A single batch that is larger still
    /// passes.
    public var memoryLimit = 256 << 20
    /// Seconds after which a batch is committed at the latest while the disk keeps up; 0.25 by
    /// default.
    public var commitInterval = 0.25

    /// Called on the writer's thread, not the training's, when a ``Rule`` begins to hit a weight, and again
    /// when that becomes critical. It must return soon: the writer waits for it. nil by default.
    public var onFinding: (@Sendable (LiveFinding) -> Void)?
    /// Whether findings are said on stderr when they begin or become critical: one line for what a rule says
    /// of a batch, whatever the number of weights. False by default.
    public var logsFindings = false
    /// The finding that sets ``GradientRecorder/stopped``; nil, the default, for none.
    ///
    /// With one, each batch is judged before the call returns that records it, so that a training can leave out the
    /// step that a bad gradient would make. The training then pays for statistics and detection, which otherwise
    /// happen while it goes on, and not for the disk: about 15 µs for each batch of six small tensors, and 0.65 ms for
    /// one of a million elements whose values are kept (2.3 times as much as without); next to nothing where only
    /// statistics are, since large gradients are then measured by the training in any case.
    public var stopOn: StopCondition?

    /// How the file is kept sound while it is written.
    public var journal: Journal {
      get { journalSettings.mode }
      set { journalSettings.mode = newValue }
    }

    var journalSettings = RecordingJournal()

    /// The defaults.
    public init() {}

    /// - Throws: ``GradlogError`` with code `invalidArgument`.
    func validate(run: String) throws(GradlogError) {
      func require(
        _ holds: Bool, _ problem: String, _ remedy: String
      ) throws(GradlogError) {
        if !holds { throw GradlogError(.invalidArgument, problem, remedy: remedy) }
      }
      try require(!run.isEmpty, "a run needs a name", "pass one that says what is trained")
      try require(
        worldSize >= 1 && (0..<worldSize).contains(rank),
        "rank \(rank) is not one of \(worldSize) processes", "pass 0 ≤ rank < worldSize")
      try require(
        memoryLimit > 0, "a memory limit of \(memoryLimit) bytes holds no batch",
        "pass the bytes of a few batches")
      try require(
        commitInterval >= 0 && commitInterval.isFinite,
        "a commit interval of \(commitInterval) s cannot be kept", "pass a number of seconds ≥ 0")
      try require(
        (try? JSONSerialization.jsonObject(with: Data(configuration.utf8))) is [String: Any],
        "the configuration \(configuration) is not a JSON object", "pass one, or leave it out")
    }

    var limits: SlabQueue.Limits {
      var limits = SlabQueue.Limits(
        memory: memoryLimit, waits: overflow == .wait, delay: commitInterval)
      // What is judged at once goes on at once, in the order of judging: a slab for each batch.
      if stopOn != nil { limits.slab = 0 }
      return limits
    }
  }
}
