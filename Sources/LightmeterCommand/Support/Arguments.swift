public import ArgumentParser
public import LightmeterExperiments
public import LightmeterFeedback
public import LightmeterServing

// The library's choices as flags take them.
extension BadLinePolicy: ExpressibleByArgument {}
extension DataPreset: ExpressibleByArgument {}
extension Delimiter: ExpressibleByArgument {}
extension DuplicatePolicy: ExpressibleByArgument {}
extension Impressions: ExpressibleByArgument {}
extension ModelExport.Format: ExpressibleByArgument {}
extension Recommender.Mode: ExpressibleByArgument {}
extension WorldPreset: ExpressibleByArgument {}
