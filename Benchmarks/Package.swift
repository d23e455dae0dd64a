// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what benchmarks need never reaches users of gradlog.
let package = Package(
  name: "gradlog-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "gradlog", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    .executableTarget(
      name: "trainer-benchmark",
      dependencies: [.product(name: "GradlogTrainer", package: "gradlog")],
      path: "Sources/TrainerBenchmark"),
    .executableTarget(
      name: "recorder-benchmark",
      dependencies: [
        .product(name: "Gradlog", package: "gradlog"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/RecorderBenchmark"),
  ]
)

for target in package.targets {
  target.swiftSettings = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ]
}
