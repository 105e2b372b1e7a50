// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// The rooms in the order data passes through them; an arrow is a target dependency, and there are no others.
/// Sources/README.md draws the same picture.
func room(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
  .target(
    name: "Lightmeter\(name)", dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: strict
  )
}

/// Studies and published numbers that the command line carries with it; embedded, because bundles need Foundation.
let reproductionFiles: [Resource] = [
  "table1.yaml", "table2.yaml", "figure1.yaml", "figure2.yaml", "figure3.yaml", "times.yaml", "errata.yaml",
  "published.json",
].map { .embedInCode("Reproduction/Resources/\($0)") }

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .testTarget(
    name: "Lightmeter\(name)Tests", dependencies: [.target(name: "Lightmeter\(name)"), "TestSupport"] + dependencies,
    resources: resources, swiftSettings: strict)
}

/// A product that only lightmeter-serve needs, and only where the trait asks for it.
func server(_ product: String, _ package: String) -> Target.Dependency {
  .product(name: product, package: package, condition: .when(traits: ["Server"]))
}

let realModule: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")
let libraryRooms = [
  "LightmeterKernels", "LightmeterFeedback", "LightmeterModels", "LightmeterObjectives", "LightmeterTraining",
  "LightmeterEvaluation", "LightmeterServing", "LightmeterService", "LightmeterExperiments",
]

let package = Package(
  name: "lightmeter",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "Lightmeter", targets: ["Lightmeter"] + libraryRooms),
    .executable(name: "lightmeter", targets: ["LightmeterCommand"]),
    .executable(name: "lightmeter-serve", targets: ["LightmeterServer"]),
  ],
  traits: [
    .trait(name: "Server", description: "lightmeter-serve, the HTTP server (fetches and compiles Hummingbird)"),
    .default(enabledTraits: []),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", .upToNextMinor(from: "1.8.2")),
    .package(url: "https://github.com/apple/swift-numerics", .upToNextMinor(from: "1.1.1")),
    // Fetched and compiled only with the trait Server.
    .package(url: "https://github.com/hummingbird-project/hummingbird", .upToNextMinor(from: "2.28.1"), traits: []),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", .upToNextMinor(from: "2.13.0")),
    .package(url: "https://github.com/apple/swift-log", .upToNextMinor(from: "1.16.2")),
    .package(url: "https://github.com/apple/swift-http-types", .upToNextMinor(from: "1.8.0")),
    .package(url: "https://github.com/apple/swift-nio", .upToNextMinor(from: "2.101.2")),
    .package(url: "https://github.com/apple/swift-nio-ssl", .upToNextMinor(from: "2.37.6")),
  ],
  targets: [
    .target(
      name: "CLightmeterKernels", exclude: ["kernels.inc", "dense.inc"],
      cSettings: [.treatAllWarnings(as: .error)]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

    room("Kernels", ["CLightmeterKernels", realModule]),
    room("Feedback", ["LightmeterKernels", "CZlib"]),
    room("Models", ["LightmeterFeedback", "LightmeterKernels", realModule]),
    room("Objectives", ["LightmeterFeedback", "LightmeterKernels", realModule]),
    room("Training", ["LightmeterModels", "LightmeterObjectives"]),
    room("Evaluation", ["LightmeterFeedback", "LightmeterKernels"]),
    room("Serving", ["LightmeterModels", "LightmeterObjectives"]),
    room(
      "Service", ["LightmeterServing"],
      resources: [.embedInCode("Page/page.html"), .embedInCode("Routes/openapi.json")]),
    room(
      "Experiments", ["LightmeterTraining", "LightmeterEvaluation", "LightmeterServing"], resources: reproductionFiles),
    .target(
      name: "Lightmeter", dependencies: libraryRooms.map { .target(name: $0) }, swiftSettings: strict),
    .executableTarget(
      name: "LightmeterCommand",
      dependencies: [
        "LightmeterExperiments", "LightmeterServing",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    // Without the trait a program that says how to build it.
    .executableTarget(
      name: "LightmeterServer",
      dependencies: [
        "LightmeterService",
        server("Hummingbird", "hummingbird"), server("HummingbirdCore", "hummingbird"),
        server("HummingbirdTLS", "hummingbird"),
        server("ServiceLifecycle", "swift-service-lifecycle"), server("UnixSignals", "swift-service-lifecycle"),
        server("Logging", "swift-log"), server("NIOCore", "swift-nio"), server("NIOSSL", "swift-nio-ssl"),
        server("HTTPTypes", "swift-http-types"),
      ],
      swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: ["LightmeterFeedback"], path: "Tests/TestSupport",
      resources: [.copy("golden")], swiftSettings: strict),
    tests("Kernels"), tests("Feedback"), tests("Models"), tests("Objectives"), tests("Training"), tests("Evaluation"),
    tests("Serving"), tests("Service"), tests("Experiments"), tests("Command"),
  ],
  swiftLanguageModes: [.v6]
)

// The plugin is fetched only for documentation: `.ci/docs`.
if Context.environment["LIGHTMETER_DOCS"] != nil {
  package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
