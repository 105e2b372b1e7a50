// swift-tools-version: 6.2
import PackageDescription

let lightmeter = Target.Dependency.product(name: "Lightmeter", package: "lightmeter")

let package = Package(
  name: "lightmeter-benchmarks",
  platforms: [.macOS(.v26)],
  dependencies: [.package(name: "lightmeter", path: "..")],
  targets: [
    .target(name: "StandardCase", dependencies: [lightmeter]),
    .executableTarget(name: "StepBenchmark", dependencies: ["StandardCase", lightmeter]),
    .executableTarget(name: "CompareBenchmark", dependencies: ["StandardCase", lightmeter]),
    .executableTarget(name: "InstructionCounts", dependencies: ["StandardCase", lightmeter]),
    .target(name: "CCeilings", exclude: ["ceilings.inc"]),
    .executableTarget(name: "KernelBenchmark", dependencies: ["CCeilings", lightmeter]),
    .executableTarget(name: "ReaderBenchmark", dependencies: [lightmeter]),
    .executableTarget(name: "IdentifierBenchmark", dependencies: [lightmeter]),
  ],
  swiftLanguageModes: [.v6]
)
