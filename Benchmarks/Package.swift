// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what benchmarks need never reaches users of gradlog.
let package = Package(
  name: "gradlog-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "gradlog", path: "..")],
  targets: [
    .executableTarget(
      name: "trainer-benchmark",
      dependencies: [.product(name: "GradlogTrainer", package: "gradlog")],
      path: "Sources/TrainerBenchmark")
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
