// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "lightmeter-examples",
  platforms: [.macOS(.v26)],
  dependencies: [.package(name: "lightmeter", path: "..")],
  targets: [
    .executableTarget(
      name: "FiveLines", dependencies: [.product(name: "Lightmeter", package: "lightmeter")],
      swiftSettings: [.treatAllWarnings(as: .error)])
  ],
  swiftLanguageModes: [.v6]
)
