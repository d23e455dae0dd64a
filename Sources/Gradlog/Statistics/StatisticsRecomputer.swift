/// Computes again what a recorder computed, for who checks a file.
package struct StatisticsRecomputer: ~Copyable {
  private var pass = StatisticsPass()

  /// Makes the buffers, which are used again for each gradient.
  package init() {}

  /// The statistics of a gradient and its `exponents_blob`.
  package mutating func run(
    over tensor: TensorView
  ) -> (statistics: GradientStatistics, exponentsBlob: [UInt8]) {
    let statistics = pass.run(over: tensor)
    return (statistics, Array(pass.exponentsBlob))
  }

  /// The statistics of a row-sparse gradient, zeros included, and its `exponents_blob`.
  package mutating func run(
    over rows: StoredRows
  ) -> (statistics: GradientStatistics, exponentsBlob: [UInt8]) {
    let statistics = pass.run(over: .rows(rows))
    return (statistics, Array(pass.exponentsBlob))
  }
}
