import ArgumentParser

/// Measures recording through the public interface, one case per process: a process before would
/// leave warm memory and a higher peak behind.
@main
struct RecorderBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recorder-benchmark",
    subcommands: [StreamCommand.self, RecordCommand.self, CopyCommand.self, TableCommand.self])
}

/// What every case that reads a stream needs.
struct StreamOptions: ParsableArguments {
  @Argument(help: "S, M or L.") var network: Network
  @Option(help: "The folder with the streams.") var streams = "."
  @Option(help: "Only so many batches of the stream.") var batches: Int?

  func load() throws -> Stream {
    try Stream(network, from: streams, batches: batches)
  }
}

struct StreamCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream", abstract: "Write the gradients that the other cases read.")

  @Argument(help: "S, M or L.") var network: Network
  @Option(help: "The folder to write to.") var streams = "."

  func run() throws {
    try Stream.write(network, to: streams)
  }
}
