/// The runs that recorders of this process have open.
///
/// Two recorders of one run would mix two trainings, a mistake that is easily made in a notebook.
enum OpenRuns {
  private static let open = Monitor<Set<String>>([])

  /// Whether the run was free; it is taken now.
  static func claim(_ run: String) -> Bool {
    open.withLock { $0.insert(run).inserted }
  }

  /// Lets the run be opened again.
  static func release(_ run: String) {
    open.withLock { _ = $0.remove(run) }
  }
}
