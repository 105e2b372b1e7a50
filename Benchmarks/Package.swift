// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "lightmeter-benchmarks",
  platforms: [.macOS(.v26)],
  dependencies: [.package(name: "lightmeter", path: "..")],
  targets: [
    .executableTarget(
      name: "StepBenchmark", dependencies: [.product(name: "Lightmeter", package: "lightmeter")]),
    .executableTarget(
      name: "ReaderBenchmark", dependencies: [.product(name: "Lightmeter", package: "lightmeter")]),
    .executableTarget(
      name: "IdentifierBenchmark", dependencies: [.product(name: "Lightmeter", package: "lightmeter")]),
    .executableTarget(
      name: "InstructionCounts", dependencies: [.product(name: "Lightmeter", package: "lightmeter")]),
  ],
  swiftLanguageModes: [.v6]
)
