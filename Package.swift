// swift-tools-version: 6.2
import PackageDescription

let gradlog: Target.Dependency = "Gradlog"
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

/// The files of `queries/`, one question each; a test holds this list against the folder.
let questions = [
  "absent", "by-depth", "by-epoch", "dead", "exploding", "largest", "nonfinite", "ratio", "runs",
  "underflow", "vanishing", "weights",
]

let package = Package(
  name: "gradlog",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Gradlog", targets: ["Gradlog"]),
    .library(name: "GradlogTrainer", targets: ["GradlogTrainer"]),
    .library(name: "GradlogAnalysis", targets: ["GradlogAnalysis"]),
    .executable(name: "gradlog", targets: ["GradlogCLI"]),
    // Not named as the executable is: SwiftPM would build no library then.
    .library(name: "gradlog-c", type: .dynamic, targets: ["GradlogC"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    // What a training process links: tensors, statistics, detection, the file, the recorder.
    .target(name: "Gradlog", dependencies: [grdb, sqlite]),
    // The questions: every queries/*.sql, embedded.
    .target(
      name: "GradlogQueries", path: "queries", exclude: ["README.md"],
      resources: questions.map { .embedInCode("\($0).sql") }),
    // Reading a file: questions, export, one gradient.
    .target(name: "GradlogAnalysis", dependencies: [gradlog, "GradlogQueries", grdb, sqlite]),
    // A small Keras-like trainer.
    .target(name: "GradlogTrainer", dependencies: [gradlog]),
    // The C interface: gradlog.h, and what implements it.
    .target(name: "CGradlog"),
    .target(name: "GradlogC", dependencies: ["CGradlog", gradlog]),
    // The command.
    .executableTarget(
      name: "GradlogCLI",
      dependencies: [gradlog, "GradlogAnalysis", "GradlogTrainer", argumentParser]),
    .testTarget(
      name: "GradlogTests", dependencies: [gradlog, grdb, sqlite, "AllocationCounter"],
      exclude: ["second_reader.py"]),
    .testTarget(
      name: "GradlogAnalysisTests",
      dependencies: ["GradlogAnalysis", "GradlogQueries", gradlog, grdb, sqlite],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "GradlogTrainerTests", dependencies: ["GradlogTrainer", gradlog, grdb],
      resources: [.copy("Reference")]),
    .testTarget(
      name: "GradlogCLITests", dependencies: ["GradlogCLI", gradlog, grdb],
      exclude: ["compared_runs.py", "keras_gradients.py", "printed_gradients.py"]),
    // A C program on the C interface; it is given the built library.
    .testTarget(name: "GradlogCTests", dependencies: ["GradlogC", grdb], exclude: ["record.c"]),
    // Faults from outside: kills, full disks, readers, signals.
    .testTarget(
      name: "GradlogFaultTests", dependencies: ["RecorderProbe", "GradlogCLI", gradlog, grdb]),
    // Not for users: the malloc of the test process, which counts.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    // Not for users: a process that records, for the fault tests to kill.
    .executableTarget(
      name: "RecorderProbe", dependencies: [gradlog], path: "Tests/RecorderProbe"),
  ]
)

for target in package.targets {
  target.swiftSettings = [
    .treatAllWarnings(as: .error),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
  ]
}
