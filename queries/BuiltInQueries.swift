/// The files of this folder, embedded when the package is built.
public enum BuiltInQueries {
  /// Every question: the name of its file without `.sql`, and the file's text.
  public static let all: [(name: String, sql: String)] = [
    ("runs", PackageResources.runs_sql),
    ("weights", PackageResources.weights_sql),
    ("vanishing", PackageResources.vanishing_sql),
    ("exploding", PackageResources.exploding_sql),
    ("nonfinite", PackageResources.nonfinite_sql),
    ("dead", PackageResources.dead_sql),
    ("absent", PackageResources.absent_sql),
    ("by-depth", PackageResources.by_depth_sql),
    ("by-epoch", PackageResources.by_epoch_sql),
    ("ratio", PackageResources.ratio_sql),
    ("largest", PackageResources.largest_sql),
    ("underflow", PackageResources.underflow_sql),
  ].map { (name: $0, sql: String(decoding: $1, as: UTF8.self)) }
}
